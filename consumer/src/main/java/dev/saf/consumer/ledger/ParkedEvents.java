package dev.saf.consumer.ledger;

import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.Streams;
import io.nats.client.JetStreamApiException;
import io.nats.client.PublishOptions;
import io.nats.client.api.MessageInfo;
import io.nats.client.impl.Headers;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Finds events that are parked, and sends or cancels them before their time: exactly once, also against the schedule
 * that fires in that moment and against others who try the same, because the first message on the due subject counts.
 */
public final class ParkedEvents {

    private static final String SCHEDULER = "Nats-Scheduler";
    private static final String SCHEDULE_NEXT = "Nats-Schedule-Next";
    private static final int WRONG_LAST_SEQUENCE = 10071;

    /** On replicas: another message on this subject is on its way. */
    private static final int SEQUENCE_UNDER_WAY = 10164;

    private final NatsConnection nats;
    private final StoredMessages stored;
    private final StreamReader reader;

    public ParkedEvents(NatsConnection nats) {
        this.nats = nats;
        this.stored = new StoredMessages(nats);
        this.reader = new StreamReader(nats);
    }

    /**
     * An event that waits on {@code later}.
     *
     * @param sequence its own, in {@code later}
     * @param subject where it waits: {@code later.at.…}, or {@code later.due.…} once its time has come
     * @param headers those of the event, those of {@link Passage}, and those for the server
     * @param target its due subject
     * @param due when its time comes or came, null if it is due
     */
    public record Waiting(
            long sequence,
            String subject,
            Passage passage,
            Headers headers,
            String target,
            @Nullable Instant due) {

        /** Whether it has not failed, and only waits behind another one. */
        public boolean isBehind() {
            return headers.containsKey(Parking.BEHIND);
        }
    }

    /**
     * The event that is parked on a subject, null if none is.
     *
     * @param at as {@link Parking#at} says
     * @throws IOException if nobody can say
     */
    public @Nullable Waiting find(String at) throws IOException {
        MessageInfo found = stored.next(Streams.LATER, 1, at);
        return found == null ? null : waiting(found.getSeq(), at, found.getHeaders());
    }

    /**
     * All that {@code later} has of one way of an event: where it is parked, and what is due or was.
     *
     * @param life as {@link Passage#life} says
     * @throws IOException if nobody can say
     */
    public List<Waiting> ofEvent(String channel, long sequence, String life) throws IOException {
        List<Waiting> all = new ArrayList<>();
        // In this order: it may become due in between.
        for (String prefix : List.of(Parking.AT, Parking.DUE)) {
            String subjects = "%s%s.%d.%s.*".formatted(prefix, channel, sequence, life);
            for (MessageInfo found = stored.next(Streams.LATER, 1, subjects);
                    found != null;
                    found = stored.next(Streams.LATER, found.getSeq() + 1, subjects)) {
                tell(found.getSeq(), found.getSubject(), found.getHeaders(), all::add);
            }
        }
        return all;
    }

    /**
     * Makes a parked event due now.
     *
     * @return false if it is too late: it was due already, or somebody has sent or cancelled it
     * @throws IOException if it is not known whether it worked; to try again does no harm
     */
    public boolean sendNow(Waiting event) throws IOException {
        MessageInfo found = stored.next(Streams.LATER, 1, event.subject());
        return found != null && take(event, carried(event.headers()), body(found));
    }

    /**
     * The same for an event of which only this is known.
     *
     * @param life as {@link Passage#life} says
     * @param attempts how many had been made when it was parked
     * @param parkings how often it has been parked
     * @throws IOException if it is not known whether it worked; to try again does no harm
     */
    public boolean sendNow(String channel, long sequence, String life, long attempts, long parkings)
            throws IOException {
        String at = Parking.at(Parking.due(channel, sequence, life, attempts, parkings));
        MessageInfo found = stored.next(Streams.LATER, 1, at);
        Waiting event = found == null ? null : waiting(found.getSeq(), at, found.getHeaders());
        return found != null && event != null && take(event, carried(event.headers()), body(found));
    }

    private static byte[] body(MessageInfo message) {
        byte[] body = message.getData();
        return body == null ? new byte[0] : body;
    }

    /**
     * Sees to it that a parked event is not offered any more.
     *
     * @return false if it is too late: it was due already, or somebody has sent or cancelled it
     * @throws IOException if it is not known whether it worked; to try again does no harm
     */
    public boolean cancel(Waiting event, Instant now) throws IOException {
        Headers headers = carried(event.headers());
        headers.put(Parking.CANCELLED, now.toString());
        return take(event, headers, new byte[0]);
    }

    private boolean take(Waiting event, Headers headers, byte[] body) throws IOException {
        headers.put(SCHEDULER, event.subject());
        headers.put(SCHEDULE_NEXT, "purge");
        try {
            var _ = Publishing.publish(
                    nats,
                    event.target(),
                    headers,
                    body,
                    PublishOptions.builder()
                            .expectedStream(Streams.LATER)
                            .expectedLastSubjectSequence(0)
                            .build());
            return true;
        } catch (JetStreamApiException e) {
            if (e.getApiErrorCode() == WRONG_LAST_SEQUENCE || e.getApiErrorCode() == SEQUENCE_UNDER_WAY) {
                return false;
            }
            throw new IOException("%s was refused: %s".formatted(event.target(), e.getMessage()), e);
        }
    }

    private static Headers carried(Headers headers) {
        Headers carried = new Headers(headers);
        carried.remove(headers.keySet().stream()
                .filter(name -> name.toLowerCase(Locale.ROOT).startsWith("nats-"))
                .toList());
        return carried;
    }

    /**
     * Reads all events of a channel that are parked, and then those that are due and were not handed out yet. Each at
     * least once: one that becomes due meanwhile may come twice. Misses none that was stored before, on no replica.
     *
     * @param handedOut up to where the channel's durable for due events has handed out {@code later}
     * @throws IOException if {@code later} cannot be read, or not to the end
     */
    public void read(String channel, long handedOut, Consumer<Waiting> each) throws IOException {
        readAll(Parking.AT + channel + ".>", 1, each);
        readAll(Parking.DUE + channel + ".>", handedOut + 1, each);
    }

    /**
     * Reads some events that are parked, in the order in which they were. With several replicas the youngest may be
     * missing.
     *
     * @param channel null for all
     * @param from the first sequence, in {@code later}
     * @param most the most to read
     * @throws IOException if {@code later} cannot be read, or not to the end
     */
    public StreamReader.Stop list(@Nullable String channel, long from, long most, Consumer<Waiting> each)
            throws IOException {
        return read(
                range(Parking.AT + (channel == null ? ">" : channel + ".>"), from)
                        .atMost(most),
                each);
    }

    /** Whether any event of a channel is parked. */
    public boolean hasAny(String channel) throws IOException {
        return stored.next(Streams.LATER, 1, Parking.AT + channel + ".>") != null;
    }

    /** Whether there is a message on a due subject. It stays for a while after its delivery. */
    public boolean isDue(String due) throws IOException {
        return stored.next(Streams.LATER, 1, due) != null;
    }

    private static StreamReader.Range range(String subjects, long from) {
        return StreamReader.Range.of(Streams.LATER, List.of(subjects))
                .onlyHeaders()
                .fromSequence(from);
    }

    private StreamReader.Stop read(StreamReader.Range range, Consumer<Waiting> each) throws IOException {
        return reader.read(range, message -> {
            tell(message.metaData().streamSequence(), message.getSubject(), message.getHeaders(), each);
            return true;
        });
    }

    private void readAll(String subjects, long from, Consumer<Waiting> each) throws IOException {
        long next = read(range(subjects, from), each).next();
        // A replica may not know the last ones; the leader does.
        for (MessageInfo last = stored.next(Streams.LATER, next, subjects);
                last != null;
                last = stored.next(Streams.LATER, last.getSeq() + 1, subjects)) {
            tell(last.getSeq(), last.getSubject(), last.getHeaders(), each);
        }
    }

    private static void tell(
            long sequence, @Nullable String subject, @Nullable Headers headers, Consumer<Waiting> each) {
        Waiting waiting = waiting(sequence, subject, headers);
        if (waiting != null) {
            each.accept(waiting);
        }
    }

    /** Null for what is none of ours. */
    private static @Nullable Waiting waiting(long sequence, @Nullable String subject, @Nullable Headers headers) {
        if (subject == null || headers == null) {
            return null;
        }
        try {
            String target = headers.getFirst(Parking.TARGET);
            return new Waiting(
                    sequence,
                    subject,
                    Passage.read(headers),
                    headers,
                    target == null ? subject : target,
                    due(headers.getFirst(Parking.SCHEDULE)));
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static @Nullable Instant due(@Nullable String schedule) {
        if (schedule == null || !schedule.startsWith("@at ")) {
            return null;
        }
        try {
            return Instant.parse(schedule.substring("@at ".length()));
        } catch (DateTimeException e) {
            return null;
        }
    }
}
