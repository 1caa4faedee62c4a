package dev.saf.consumer.operations;

import dev.saf.consumer.delivery.RunningChannel;
import dev.saf.consumer.ledger.DeadLetters;
import dev.saf.consumer.ledger.EventLookup;
import dev.saf.consumer.ledger.Parking;
import dev.saf.consumer.ledger.Passage;
import dev.saf.consumer.ledger.StreamReader;
import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.Streams;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamManagement;
import io.nats.client.JetStreamOptions;
import io.nats.client.Message;
import io.nats.client.api.ConsumerInfo;
import io.nats.client.api.DeliverPolicy;
import io.nats.client.impl.Headers;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Where an event is, channel by channel, as the streams tell. Parked, due and dead messages carry the event's sequence
 * in their subjects; for all else there is the durable, which knows up to where everything is settled, and where
 * nothing has begun. In between it knows only numbers, so the answer there is honest rather than precise.
 */
final class EventWays {

    private static final int CONSUMER_NOT_FOUND = 10014;
    private static final String PARKED_AT = "@at ";
    private static final JetStreamOptions OPTIONS =
            JetStreamOptions.builder().requestTimeout(Duration.ofSeconds(2)).build();

    private final NatsConnection nats;
    private final StreamReader reader;

    EventWays(NatsConnection nats) {
        this.nats = nats;
        this.reader = new StreamReader(nats);
    }

    /** The ways of an event on the stream {@code events}: through each channel, and what is left of each replay. */
    List<EventWay> of(List<RunningChannel> channels, EventLookup.Found found)
            throws IOException, JetStreamApiException {
        Map<String, List<EventWay>> elsewhere =
                elsewhere(found.sequence() + ".", passage -> isStored(passage, found.stored()));
        List<EventWay> ways = new ArrayList<>();
        for (RunningChannel channel : channels) {
            List<EventWay> others = elsewhere.getOrDefault(channel.name(), List.of());
            ways.addAll(others);
            if (others.stream().noneMatch(EventWays::isItsFirst)) {
                ways.add(EventWay.of(channel.name(), onStream(channel, found)));
            }
        }
        return ways;
    }

    /**
     * What is parked, due or dead of an event that may not be on the stream {@code events} any more, its first message
     * first; empty if nothing is, among {@value EventLookup#MOST} messages.
     *
     * @param sequence null if it is not known
     */
    List<Message> left(String source, String id, @Nullable Long sequence) throws IOException {
        String tokens = sequence == null ? "" : sequence + ".";
        return messages(tokens).stream()
                .filter(message -> EventLookup.isIt(message, source, id))
                .toList();
    }

    /** The ways of such an event. */
    List<EventWay> of(List<Message> left) throws IOException, JetStreamApiException {
        Map<String, Long> settledDue = new HashMap<>();
        List<EventWay> ways = new ArrayList<>();
        for (Message message : left) {
            EventWay way = way(message, Passage.read(message.getHeaders()), settledDue);
            if (way != null) {
                ways.add(way);
            }
        }
        return ways;
    }

    private static boolean isItsFirst(EventWay way) {
        return way.redrives() == null && way.replay() == null;
    }

    private String onStream(RunningChannel channel, EventLookup.Found found) throws IOException, JetStreamApiException {
        long sequence = found.sequence();
        if (!channel.wants(found.event().subject())) {
            return "not-subscribed";
        }
        if (!channel.hasDurable()) {
            return "not-followed";
        }
        ConsumerInfo durable = durable(Streams.EVENTS, "saf-" + channel.name());
        if (durable == null) {
            return "waiting";
        }
        if (channel.holds(sequence)) {
            return "in-flight";
        }
        DeliverPolicy from = durable.getConsumerConfiguration().getDeliverPolicy();
        if (from != DeliverPolicy.All
                && found.stored().isBefore(durable.getCreationTime().toInstant())) {
            return "skipped";
        }
        if (sequence <= durable.getAckFloor().getStreamSequence()) {
            return "settled";
        }
        if (sequence > durable.getDelivered().getStreamSequence()) {
            return "waiting";
        }
        return durable.getNumAckPending() == 0 ? "settled" : "in-flight-or-just-settled";
    }

    /** What is parked, due or dead, by channel. */
    private Map<String, List<EventWay>> elsewhere(String tokens, Predicate<Passage> which)
            throws IOException, JetStreamApiException {
        Map<String, List<EventWay>> ways = new HashMap<>();
        Map<String, Long> settledDue = new HashMap<>();
        for (Message message : messages(tokens)) {
            Passage passage = passage(message);
            EventWay way = passage == null || !which.test(passage) ? null : way(message, passage, settledDue);
            if (way != null) {
                ways.computeIfAbsent(way.channel(), _ -> new ArrayList<>()).add(way);
            }
        }
        return ways;
    }

    /** @param tokens after the channel: the sequence with its dot, or nothing */
    private List<Message> messages(String tokens) throws IOException {
        List<Message> messages = new ArrayList<>();
        read(Streams.LATER, List.of(Parking.AT + "*." + tokens + ">", Parking.DUE + "*." + tokens + ">"), messages);
        read(Streams.DEAD_LETTERS, List.of(Streams.DEAD_LETTERS + ".*." + tokens + ">"), messages);
        return messages;
    }

    private void read(String stream, List<String> filters, List<Message> into) throws IOException {
        var _ = reader.read(StreamReader.Range.of(stream, filters).onlyHeaders().atMost(EventLookup.MOST), into::add);
    }

    private static @Nullable Passage passage(Message message) {
        try {
            return Passage.read(message.getHeaders());
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** Another time means another event with this sequence, of a stream there was before. */
    private static boolean isStored(Passage passage, Instant stored) {
        return Instant.ofEpochSecond(0, passage.storedNanos()).equals(stored);
    }

    /** Null if it is settled. */
    private @Nullable EventWay way(Message message, Passage passage, Map<String, Long> settledDue)
            throws IOException, JetStreamApiException {
        Headers headers = message.getHeaders();
        if (message.getSubject().startsWith(Parking.AT)) {
            String target = first(headers, "Nats-Schedule-Target");
            return way(passage, headers, "parked", due(headers), target == null ? null : retry(target), null);
        }
        if (message.getSubject().startsWith(Parking.DUE)) {
            Long settled = settledDue.get(passage.channel());
            if (settled == null) {
                ConsumerInfo durable = durable(Streams.LATER, "saf-" + passage.channel() + "-due");
                settled = durable == null ? 0 : durable.getAckFloor().getStreamSequence();
                settledDue.put(passage.channel(), settled);
            }
            if (message.metaData().streamSequence() <= settled) {
                return null;
            }
            return way(
                    passage,
                    headers,
                    first(headers, Parking.CANCELLED) == null ? "due" : "cancelled",
                    null,
                    null,
                    null);
        }
        return way(passage, headers, "dead", null, null, message.metaData().streamSequence());
    }

    private static EventWay way(
            Passage passage,
            @Nullable Headers headers,
            String state,
            @Nullable Instant due,
            @Nullable String retry,
            @Nullable Long deadLetter) {
        return new EventWay(
                passage.channel(),
                state,
                due,
                retry,
                passage.attempts(),
                first(headers, Passage.ERROR),
                first(headers, DeadLetters.REASON),
                deadLetter,
                passage.redrives() == 0 ? null : passage.redrives(),
                passage.replay(),
                state.equals("parked") ? RetryItem.number(first(headers, Parking.BEHIND)) : null);
    }

    private static String retry(String target) {
        return target.startsWith(Parking.DUE) ? target.substring(Parking.DUE.length()) : target;
    }

    private static @Nullable Instant due(@Nullable Headers headers) {
        String schedule = first(headers, "Nats-Schedule");
        try {
            return schedule == null || !schedule.startsWith(PARKED_AT)
                    ? null
                    : Instant.parse(schedule.substring(PARKED_AT.length()));
        } catch (DateTimeParseException e) {
            return null;
        }
    }

    private static @Nullable String first(@Nullable Headers headers, String name) {
        return headers == null ? null : headers.getFirst(name);
    }

    private @Nullable ConsumerInfo durable(String stream, String name) throws IOException, JetStreamApiException {
        Connection connection = nats.current();
        if (connection == null) {
            throw new IOException("not connected to NATS");
        }
        JetStreamManagement management = connection.jetStreamManagement(OPTIONS);
        try {
            return management.getConsumerInfo(stream, name);
        } catch (JetStreamApiException e) {
            if (e.getApiErrorCode() == CONSUMER_NOT_FOUND) {
                return null;
            }
            throw e;
        }
    }
}
