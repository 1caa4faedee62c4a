package dev.saf.consumer.ledger;

import dev.saf.jetstream.NatsConnection;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamOptions;
import io.nats.client.PublishOptions;
import io.nats.client.api.PublishAck;
import io.nats.client.impl.Headers;
import java.io.IOException;
import java.time.Duration;

/** Stores messages, each of them surely or with an exception. */
final class Publishing {

    private static final Duration TIMEOUT = Duration.ofSeconds(2);
    private static final JetStreamOptions OPTIONS =
            JetStreamOptions.builder().requestTimeout(TIMEOUT).build();

    private Publishing() {}

    /**
     * Returns once the message is stored.
     *
     * @param options with the stream it is expected to be stored on
     * @throws IOException if nobody confirmed storing it, or there is no connection
     * @throws JetStreamApiException if the server refused to store it
     */
    static PublishAck publish(NatsConnection nats, String subject, Headers headers, byte[] body, PublishOptions options)
            throws IOException, JetStreamApiException {
        Connection connection = connection(nats);
        PublishAck ack;
        try {
            ack = connection.jetStream(OPTIONS).publish(subject, headers, body, options);
        } catch (IllegalStateException e) {
            throw new IOException("not connected to NATS", e);
        }
        if (!ack.getStream().equals(options.getExpectedStream()) || ack.getSeqno() < 1) {
            throw new IOException(
                    "the message was stored on " + ack.getStream() + " instead of " + options.getExpectedStream());
        }
        return ack;
    }

    /**
     * The connection there is now.
     *
     * @throws IOException if there is none
     */
    static Connection connection(NatsConnection nats) throws IOException {
        Connection connection = nats.current();
        if (connection == null) {
            throw new IOException("not connected to NATS");
        }
        return connection;
    }
}
