package dev.saf.consumer;

import dev.saf.event.Rules;
import dev.saf.event.WireFormat;
import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.Streams;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamOptions;
import io.nats.client.Message;
import io.nats.client.PublishOptions;
import io.nats.client.api.PublishAck;
import io.nats.client.impl.Headers;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** Keeps events that no channel took on the stream {@code dead-letters}, with all that is needed to send them again. */
final class DeadLetters {

    /** Why: {@code undecodable}, {@code rejected} or {@code gave-up}. */
    static final String REASON = "Saf-Reason";

    /** The channel's last words. Printable ASCII; what was none is a question mark. */
    static final String ERROR = "Saf-Error";

    static final String CHANNEL = "Saf-Channel";
    static final String ATTEMPTS = "Saf-Attempts";

    /** The message's own stream, sequence, subject and message id. */
    static final String STREAM = "Saf-Stream";

    static final String SEQUENCE = "Saf-Sequence";
    static final String SUBJECT = "Saf-Subject";
    static final String MESSAGE_ID = "Saf-Message-Id";

    /** When the first attempt failed, as far as the process that gave up knows. RFC 3339, as all times. */
    static final String FIRST_FAILURE = "Saf-First-Failure";

    static final String LAST_FAILURE = "Saf-Last-Failure";

    private static final Duration TIMEOUT = Duration.ofSeconds(2);

    private final NatsConnection nats;

    DeadLetters(NatsConnection nats) {
        this.nats = nats;
    }

    /**
     * A dead letter to be.
     *
     * @param firstFailure when the first attempt failed, as far as is known
     */
    record Letter(
            String channel,
            Message message,
            Position position,
            Settlement.DeadLetter verdict,
            Instant firstFailure,
            Instant lastFailure) {}

    /**
     * Returns once the dead letter is stored; storing it again does nothing.
     *
     * @throws IOException if nobody confirmed storing it
     * @throws JetStreamApiException if the server refused to store it
     * @throws IllegalStateException if there is no connection
     */
    void store(Letter letter) throws IOException, JetStreamApiException {
        Connection connection = nats.current();
        if (connection == null) {
            throw new IllegalStateException("not connected to NATS");
        }
        PublishAck ack = connection
                .jetStream(JetStreamOptions.builder().requestTimeout(TIMEOUT).build())
                .publish(
                        subject(letter),
                        headers(letter),
                        letter.message().getData(),
                        PublishOptions.builder()
                                .expectedStream(Streams.DEAD_LETTERS)
                                // With the time it was stored: a stream that is made anew counts from 1 again.
                                .messageId("%s/%d/%s/0/%d"
                                        .formatted(
                                                Streams.EVENTS,
                                                letter.position().sequence(),
                                                letter.channel(),
                                                letter.position().storedNanos()))
                                .build());
        if (!ack.getStream().equals(Streams.DEAD_LETTERS) || ack.getSeqno() < 1) {
            throw new IOException("the dead letter was stored on " + ack.getStream());
        }
    }

    /** A foreign publisher's subject may be one that cannot be published to; the header has it as it was. */
    private static String subject(Letter letter) {
        String subject = letter.message().getSubject().substring(WireFormat.SUBJECT_PREFIX.length());
        return "%s.%s.%d.%s"
                .formatted(
                        Streams.DEAD_LETTERS,
                        letter.channel(),
                        letter.position().sequence(),
                        Rules.subject(subject) == null ? subject : "_");
    }

    private static Headers headers(Letter letter) {
        Headers original = letter.message().getHeaders();
        // Copied as they came, even if the client would not let anybody set such values.
        Headers headers = new Headers(original);
        if (original != null) {
            // The server would take them for orders: expectations, time to live, schedules.
            headers.remove(original.keySet().stream()
                    .filter(name -> name.regionMatches(true, 0, "Nats-", 0, 5))
                    .toList());
            List<String> id = original.get(WireFormat.MESSAGE_ID);
            if (id != null) {
                headers.put(MESSAGE_ID, printable(id.getFirst()));
            }
        }
        headers.put(CHANNEL, letter.channel());
        headers.put(REASON, letter.verdict().reason().tag());
        headers.put(ERROR, printable(letter.verdict().error()));
        headers.put(ATTEMPTS, Long.toString(letter.position().deliveries()));
        headers.put(STREAM, Streams.EVENTS);
        headers.put(SEQUENCE, Long.toString(letter.position().sequence()));
        headers.put(SUBJECT, printable(letter.message().getSubject()));
        headers.put(FIRST_FAILURE, letter.firstFailure().toString());
        headers.put(LAST_FAILURE, letter.lastFailure().toString());
        return headers;
    }

    private static String printable(String text) {
        return text.replaceAll("[^ -~]", "?");
    }
}
