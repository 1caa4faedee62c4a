package dev.saf.consumer.ledger;

import dev.saf.jetstream.Streams;
import io.nats.client.Message;
import io.nats.client.api.MessageInfo;
import io.nats.client.impl.Headers;
import java.time.Instant;
import java.time.ZonedDateTime;
import org.jspecify.annotations.Nullable;

/** An event that no channel took, as it lies on the stream {@code dead-letters}. */
public final class DeadLetter {

    private final long sequence;
    private final Instant stored;
    private final String subject;
    private final Headers headers;
    private final byte[] body;

    private DeadLetter(
            long sequence,
            ZonedDateTime stored,
            @Nullable String subject,
            @Nullable Headers headers,
            byte @Nullable [] body) {
        this.sequence = sequence;
        this.stored = stored.toInstant();
        this.subject = subject == null ? "" : subject;
        this.headers = headers == null ? new Headers() : headers;
        this.body = body == null ? new byte[0] : body;
    }

    /** One that was looked up. */
    static DeadLetter of(MessageInfo found) {
        ZonedDateTime time = found.getTime();
        if (time == null) {
            throw new IllegalArgumentException("nobody said when message " + found.getSeq() + " was stored");
        }
        return new DeadLetter(found.getSeq(), time, found.getSubject(), found.getHeaders(), found.getData());
    }

    /** One that was read, perhaps without its body. */
    static DeadLetter of(Message read) {
        return new DeadLetter(
                read.metaData().streamSequence(),
                read.metaData().timestamp(),
                read.getSubject(),
                read.getHeaders(),
                read.getData());
    }

    /** Its own, in {@code dead-letters}. */
    public long sequence() {
        return sequence;
    }

    /** When it became one, by the server's clock. */
    public Instant stored() {
        return stored;
    }

    /** The channel that did not take it, as its subject says. */
    public String channel() {
        String[] tokens = subject.split("\\.", 3);
        return tokens.length < 2 ? "" : tokens[1];
    }

    /** The event's, and those of {@link Passage}. Not to be changed. */
    public Headers headers() {
        return headers;
    }

    /** The event's payload; empty if it was not asked for. Not a copy. */
    public byte[] body() {
        return body;
    }

    /**
     * How far the event had come.
     *
     * @throws IllegalArgumentException if the headers do not tell, as a sentence
     */
    public Passage passage() {
        return Passage.read(headers);
    }

    /** Where it is to be sent again; the last token tells it from all other dead letters there ever were. */
    String due() {
        Passage redriven = passage().redriven();
        return "%s%s.%d.%s.%s"
                .formatted(Parking.DUE, redriven.channel(), redriven.sequence(), redriven.life(), token());
    }

    /** The last token of its due subject. */
    String token() {
        long nanos = stored.getEpochSecond() * 1_000_000_000L + stored.getNano();
        return tokenPrefix(sequence) + Long.toString(nanos, 36);
    }

    /** How the last token of the due subject begins, for the dead letter with a sequence. */
    static String tokenPrefix(long sequence) {
        return "r" + sequence + "-";
    }

    /** All dead letters of a channel, or of all of them, whose events have such a subject. */
    public static String subjects(@Nullable String channel, @Nullable String pattern) {
        return "%s.%s.*.%s"
                .formatted(Streams.DEAD_LETTERS, channel == null ? "*" : channel, pattern == null ? ">" : pattern);
    }
}
