package dev.saf.consumer.ledger;

import dev.saf.event.WireFormat;
import dev.saf.jetstream.Streams;
import io.nats.client.Message;
import io.nats.client.impl.Headers;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * How far one event has come on its way through one channel: what parked retries and dead letters carry in their
 * headers, so that nothing else needs to remember it.
 *
 * @param subject the NATS subject the event was stored under
 * @param sequence its number in the stream {@code events}
 * @param storedNanos when it was stored there, in nanoseconds since 1970
 * @param messageId its {@code Nats-Msg-Id}, null if it had none
 * @param attempts how many attempts have been made so far
 * @param parkings how often it has been parked so far
 * @param redrives how often it was a dead letter and has been sent again
 * @param replay the id of the replay this belongs to, null outside of any
 * @param firstFailure when the first attempt failed, as far as is known; null if none did
 * @param history the last failed attempts that are known, oldest first, {@value #MAX_HISTORY} at most
 */
public record Passage(
        String channel,
        String subject,
        long sequence,
        long storedNanos,
        @Nullable String messageId,
        long attempts,
        long parkings,
        long redrives,
        @Nullable String replay,
        @Nullable Instant firstFailure,
        List<Attempt> history) {

    public static final String CHANNEL = "Saf-Channel";

    /** The event's own stream, sequence, time of storing, subject and message id. */
    public static final String STREAM = "Saf-Stream";

    public static final String SEQUENCE = "Saf-Sequence";

    /** In nanoseconds since 1970. */
    public static final String STORED = "Saf-Stored";

    public static final String SUBJECT = "Saf-Subject";
    public static final String MESSAGE_ID = "Saf-Message-Id";
    public static final String ATTEMPTS = "Saf-Attempts";
    public static final String PARKINGS = "Saf-Parkings";
    public static final String REDRIVES = "Saf-Redrives";
    public static final String REPLAY = "Saf-Replay";
    public static final String FIRST_FAILURE = "Saf-First-Failure";
    public static final String LAST_FAILURE = "Saf-Last-Failure";

    /** The last thing that went wrong. Printable ASCII; what was none is a question mark. */
    public static final String ERROR = "Saf-Error";

    /** One for each known failed attempt, see {@link Attempt}. */
    public static final String ATTEMPT = "Saf-Attempt";

    /** How many failed attempts are kept in full. */
    public static final int MAX_HISTORY = 20;

    private static final String OURS = "Saf-";
    private static final Pattern UNPRINTABLE = Pattern.compile("[^ -~]");

    /** Keeps the last failed attempts. */
    public Passage {
        history = List.copyOf(history.subList(Math.max(0, history.size() - MAX_HISTORY), history.size()));
    }

    /** The beginning of an event's way, as a message of the stream {@code events}. */
    public static Passage begin(String channel, Message message, long sequence, long storedNanos) {
        return begin(channel, message.getSubject(), message.getHeaders(), sequence, storedNanos);
    }

    /** The beginning of an event's way, as it is stored in the stream {@code events}. */
    public static Passage begin(
            String channel, String subject, @Nullable Headers headers, long sequence, long storedNanos) {
        return new Passage(
                channel,
                subject,
                sequence,
                storedNanos,
                headers == null ? null : headers.getFirst(WireFormat.MESSAGE_ID),
                0,
                0,
                0,
                null,
                null,
                List.of());
    }

    /**
     * Reads what a parked, due or dead message carries.
     *
     * @throws IllegalArgumentException if it carries none, as a sentence
     */
    public static Passage read(@Nullable Headers headers) {
        if (headers == null) {
            throw new IllegalArgumentException("the message has no headers, and must have " + CHANNEL + " and others");
        }
        String first = headers.getFirst(FIRST_FAILURE);
        return new Passage(
                required(headers, CHANNEL),
                required(headers, SUBJECT),
                number(headers, SEQUENCE, null),
                number(headers, STORED, "0"),
                headers.getFirst(MESSAGE_ID),
                number(headers, ATTEMPTS, "0"),
                number(headers, PARKINGS, "0"),
                number(headers, REDRIVES, "0"),
                headers.getFirst(REPLAY),
                first == null ? null : time(first),
                headers.get(ATTEMPT) == null
                        ? List.of()
                        : headers.get(ATTEMPT).stream()
                                .map(Attempt::parse)
                                .filter(Objects::nonNull)
                                .toList());
    }

    /**
     * The headers of a message that carries this along: the original's own, and beside them these.
     *
     * @param original the headers of the message as it was; what would be orders to the server is left out
     */
    Headers headers(@Nullable Headers original) {
        // Copied as they came, even if the client would not let anybody set such values.
        Headers headers = new Headers(original);
        headers.remove(
                headers.keySet().stream().filter(Passage::isServersOrOurs).toList());
        headers.put(CHANNEL, channel);
        headers.put(STREAM, Streams.EVENTS);
        headers.put(SEQUENCE, Long.toString(sequence));
        headers.put(STORED, Long.toString(storedNanos));
        headers.put(SUBJECT, printable(subject));
        headers.put(ATTEMPTS, Long.toString(attempts));
        putIf(headers, MESSAGE_ID, messageId);
        putIf(headers, PARKINGS, parkings == 0 ? null : Long.toString(parkings));
        putIf(headers, REDRIVES, redrives == 0 ? null : Long.toString(redrives));
        putIf(headers, REPLAY, replay);
        putIf(headers, FIRST_FAILURE, firstFailure == null ? null : firstFailure.toString());
        if (!history.isEmpty()) {
            headers.put(LAST_FAILURE, history.getLast().time().toString());
            headers.put(ERROR, history.getLast().error());
            headers.put(ATTEMPT, history.stream().map(Attempt::text).toList());
        }
        return headers;
    }

    /** A failed attempt later. */
    public Passage after(Attempt failed) {
        return new Passage(
                channel,
                subject,
                sequence,
                storedNanos,
                messageId,
                failed.number(),
                parkings,
                redrives,
                replay,
                firstFailure == null ? failed.time() : firstFailure,
                Stream.concat(history.stream(), Stream.of(failed)).toList());
    }

    /** With the number of attempts that have been made, whether or not more is known of them. */
    public Passage withAttempts(long made) {
        return new Passage(
                channel,
                subject,
                sequence,
                storedNanos,
                messageId,
                made,
                parkings,
                redrives,
                replay,
                firstFailure,
                history);
    }

    /** As it is to be parked once more. */
    Passage parkedOnceMore() {
        return new Passage(
                channel,
                subject,
                sequence,
                storedNanos,
                messageId,
                attempts,
                parkings + 1,
                redrives,
                replay,
                firstFailure,
                history);
    }

    /** From the beginning, once more; what happened before is remembered. */
    public Passage redriven() {
        return new Passage(
                channel, subject, sequence, storedNanos, messageId, 0, 0, redrives + 1, replay, null, history);
    }

    /** The beginning of the event's way as part of a replay. */
    public Passage replayed(String id) {
        return new Passage(channel, subject, sequence, storedNanos, messageId, 0, 0, 0, id, null, List.of());
    }

    /**
     * Tells this way of the event from its others through the same channel, as a token of subjects. With the time it
     * was stored: a stream that is made anew counts from 1 again.
     */
    public String life() {
        String stored = Long.toString(storedNanos, 36);
        return stored + (replay == null ? "" : "-p" + replay) + (redrives == 0 ? "" : "-r" + redrives);
    }

    /** In the order of the stream, or sent again out of it by somebody. */
    public boolean isOutOfOrder() {
        return replay != null || redrives > 0;
    }

    /** Text as a header's value. */
    public static String printable(String text) {
        return UNPRINTABLE.matcher(text).replaceAll("?");
    }

    private static boolean isServersOrOurs(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return lower.startsWith("nats-")
                || (lower.startsWith(OURS.toLowerCase(Locale.ROOT)) && !name.equalsIgnoreCase(WireFormat.DIGEST));
    }

    private static void putIf(Headers headers, String name, @Nullable String value) {
        if (value != null) {
            headers.put(name, printable(value));
        }
    }

    private static String required(Headers headers, String name) {
        String value = headers.getFirst(name);
        if (value == null) {
            throw new IllegalArgumentException("the message has no header " + name);
        }
        return value;
    }

    private static long number(Headers headers, String name, @Nullable String otherwise) {
        String value = headers.getFirst(name) == null && otherwise != null ? otherwise : required(headers, name);
        try {
            return Long.parseLong(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("the header " + name + " must be a number, is " + value, e);
        }
    }

    private static @Nullable Instant time(String text) {
        try {
            return Instant.parse(text);
        } catch (DateTimeException e) {
            return null;
        }
    }
}
