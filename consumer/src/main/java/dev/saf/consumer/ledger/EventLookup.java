package dev.saf.consumer.ledger;

import dev.saf.event.Event;
import dev.saf.event.InvalidEventException;
import dev.saf.event.WireFormat;
import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.Streams;
import io.nats.client.JetStreamApiException;
import io.nats.client.Message;
import io.nats.client.PublishOptions;
import io.nats.client.api.MessageInfo;
import io.nats.client.impl.Headers;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Finds an event by its identity, without an index and without a database: in the streams alone. */
public final class EventLookup {

    /** The most messages that one search reads. */
    public static final long MOST = 200_000;

    private static final int ROLLUP_REFUSED = 10111;
    private static final int IN_PROCESS = 10158;
    private static final int MAX_PROBES = 20;

    /** How much earlier than its id says an event may have been stored: clocks differ. */
    private static final Duration SKEW = Duration.ofMinutes(1);

    private static final int UUID_LENGTH = 36;

    private final NatsConnection nats;
    private final StoredMessages stored;
    private final StreamReader reader;

    public EventLookup(NatsConnection nats) {
        this.nats = nats;
        this.stored = new StoredMessages(nats);
        this.reader = new StreamReader(nats);
    }

    /**
     * One that is on its stream.
     *
     * @param stored when it was stored, by the server's clock
     */
    public record Found(long sequence, Instant stored, Event event) {}

    /**
     * What a search came to.
     *
     * @param found null if nothing was
     * @param next the sequence at which to go on searching, 0 if all has been searched
     */
    public record Search(@Nullable Found found, long next) {}

    /** The event with this sequence, null if the stream does not have it or it is no event. */
    public @Nullable Found at(long sequence) throws IOException {
        MessageInfo message = stored.get(Streams.EVENTS, sequence);
        if (message == null || message.getSubject() == null || message.getTime() == null) {
            return null;
        }
        byte[] body = message.getData();
        Event event = event(message.getSubject(), message.getHeaders(), body == null ? new byte[0] : body);
        return event == null ? null : new Found(sequence, message.getTime().toInstant(), event);
    }

    /**
     * The sequence under which JetStream knows this identity within its duplicate window, 0 if it does not.
     *
     * <p>Asks by a publish that cannot succeed: the server looks for the id first, and then refuses the value of the
     * roll-up header, which is none. Nothing is stored, and the id is not taken by it.
     */
    public long sequenceInDuplicateWindow(String source, String id) throws IOException {
        PublishOptions options = PublishOptions.builder()
                .expectedStream(Streams.EVENTS)
                .messageId(WireFormat.messageId(source, id))
                .build();
        for (int i = 0; i < MAX_PROBES; i++) {
            try {
                return Publishing.publish(
                                nats,
                                WireFormat.SUBJECT_PREFIX + "saf-probe",
                                new Headers().put("Nats-Rollup", "probe"),
                                new byte[0],
                                options)
                        .getSeqno();
            } catch (JetStreamApiException e) {
                if (e.getApiErrorCode() == ROLLUP_REFUSED) {
                    return 0;
                }
                if (e.getApiErrorCode() != IN_PROCESS) {
                    throw new IOException("stream " + Streams.EVENTS + ": " + e.getMessage(), e);
                }
                // It is being stored in this moment.
                LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
            }
        }
        throw new IOException("the event is being stored, and has not been confirmed yet");
    }

    /**
     * Reads the stream until it comes to the event, {@value #MOST} messages at most.
     *
     * @param from the first sequence to read
     * @param since nothing stored before is read, null for no matter when
     * @param until nothing stored later is read, null for no matter when
     */
    public Search scan(String source, String id, long from, @Nullable Instant since, @Nullable Instant until)
            throws IOException {
        long[] sequence = new long[1];
        boolean[] past = new boolean[1];
        StreamReader.Range all =
                StreamReader.Range.of(Streams.EVENTS, List.of()).onlyHeaders().atMost(MOST);
        StreamReader.Stop stop =
                reader.read(from > 1 || since == null ? all.fromSequence(from) : all.fromTime(since), message -> {
                    past[0] = until != null
                            && message.metaData().timestamp().toInstant().isAfter(until);
                    if (!past[0] && isIt(message, source, id)) {
                        sequence[0] = message.metaData().streamSequence();
                    }
                    return sequence[0] == 0 && !past[0];
                });
        Found found = sequence[0] == 0 ? null : at(sequence[0]);
        return new Search(found, found != null || past[0] || stop.complete() ? 0 : stop.next());
    }

    /** Whether a message, on {@code events}, parked, due or dead, is of the event with this identity. */
    public static boolean isIt(Message message, String source, String id) {
        Event event = event(message);
        return event != null && event.id().equals(id) && event.source().equals(source);
    }

    /** The event of such a message, without its payload if that was not read; null if it is none. */
    public static @Nullable Event event(Message message) {
        Headers headers = message.getHeaders();
        if (headers == null || !headers.containsKeyIgnoreCase("ce-id")) {
            return null;
        }
        String original = headers.getFirst(Passage.SUBJECT);
        return original == null || message.getSubject().startsWith(WireFormat.SUBJECT_PREFIX)
                ? event(message.getSubject(), headers, message.getData())
                : event(original, headers, message.getData());
    }

    /** The time in an id made by Saf, a UUID of version 7, a little earlier; null if the id is none. */
    public static @Nullable Instant timeOf(String id) {
        if (id.length() != UUID_LENGTH) {
            return null;
        }
        try {
            UUID uuid = UUID.fromString(id);
            return uuid.version() == 7
                    ? Instant.ofEpochMilli(uuid.getMostSignificantBits() >>> 16).minus(SKEW)
                    : null;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static @Nullable Event event(String subject, @Nullable Headers headers, byte[] body) {
        Headers some = headers == null ? new Headers() : headers;
        try {
            return WireFormat.read(subject, some.keySet(), some::getFirst, body);
        } catch (InvalidEventException e) {
            return null;
        }
    }
}
