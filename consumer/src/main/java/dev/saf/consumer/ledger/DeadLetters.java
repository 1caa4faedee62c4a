package dev.saf.consumer.ledger;

import dev.saf.event.Rules;
import dev.saf.event.WireFormat;
import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.Streams;
import io.nats.client.JetStreamApiException;
import io.nats.client.impl.Headers;
import java.io.IOException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Keeps events that no channel took on the stream {@code dead-letters}, as
 * {@code dead-letters.<channel>.<sequence>.<subject>}, with all that is needed to understand them and to send them
 * again: the original body and headers, and beside them those of {@link Passage}.
 */
public final class DeadLetters {

    /** A {@link Reason}'s tag. */
    public static final String REASON = "Saf-Reason";

    private final NatsConnection nats;

    public DeadLetters(NatsConnection nats) {
        this.nats = nats;
    }

    /**
     * Returns once the dead letter is stored; storing it again does nothing.
     *
     * @param headers the message's own
     * @param error what happened last, as a sentence
     * @throws IOException if nobody confirmed storing it
     * @throws JetStreamApiException if the server refused to store it
     */
    public void store(Passage passage, @Nullable Headers headers, byte[] body, Reason reason, String error, Instant now)
            throws IOException, JetStreamApiException {
        Publication letter = letter(passage, headers, reason, error, now);
        var _ = Publishing.publish(nats, letter.subject(), letter.headers(), body, letter.options());
    }

    /** The message that a dead letter is. */
    public static Publication letter(
            Passage passage, @Nullable Headers headers, Reason reason, String error, Instant now) {
        Headers all = passage.headers(headers);
        all.put(REASON, reason.tag());
        all.put(Passage.ERROR, Passage.printable(error));
        all.put(Passage.LAST_FAILURE, now.toString());
        if (passage.firstFailure() == null) {
            all.put(Passage.FIRST_FAILURE, now.toString());
        }
        return new Publication(
                Streams.DEAD_LETTERS,
                subject(passage),
                all,
                "%s/%d/%s/%s".formatted(Streams.EVENTS, passage.sequence(), passage.channel(), passage.life()));
    }

    /** A foreign publisher's subject may be one that cannot be published to; the header has it as it was. */
    private static String subject(Passage passage) {
        String subject = passage.subject().startsWith(WireFormat.SUBJECT_PREFIX)
                ? passage.subject().substring(WireFormat.SUBJECT_PREFIX.length())
                : passage.subject();
        return "%s.%s.%d.%s"
                .formatted(
                        Streams.DEAD_LETTERS,
                        passage.channel(),
                        passage.sequence(),
                        Rules.subject(subject) == null ? subject : "_");
    }
}
