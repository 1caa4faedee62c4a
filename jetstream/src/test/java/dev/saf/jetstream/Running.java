package dev.saf.jetstream;

import static java.util.Objects.requireNonNull;
import static org.awaitility.Awaitility.await;

import dev.saf.natsserver.NatsServer;
import io.nats.client.Connection;
import io.nats.client.JetStreamManagement;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import org.springframework.boot.health.contributor.Health;

/** A connection with streams, as a service has them; looks at the streams every second. */
record Running(NatsConnection connection, PublishHealth publishHealth, Streams streams) implements AutoCloseable {

    static Running on(NatsServer server, String... streamSettings) {
        return on(Settled.nats("servers", server.url(), "ping-interval", "500ms"), Settled.streams(streamSettings));
    }

    static Running on(NatsSettings nats, StreamsSettings asked) {
        NatsConnection connection = new NatsConnection(nats, null);
        connection.start();
        PublishHealth health = new JetStreamConfiguration().publishHealth(connection);
        Streams streams = new Streams(
                connection,
                new StreamsSettings(
                        asked.events(),
                        asked.deadLetters(),
                        asked.later(),
                        asked.state(),
                        asked.advisories(),
                        Duration.ofSeconds(1)),
                health,
                Streams.ALL);
        try {
            streams.start();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return new Running(connection, health, streams);
    }

    Health health() {
        return new NatsHealth(connection, streams, publishHealth).health();
    }

    /** What health complains about, empty if nothing. */
    String problem() {
        return String.valueOf(health().getDetails().getOrDefault("problem", ""));
    }

    Connection nats() {
        return requireNonNull(connection.current());
    }

    JetStreamManagement management() {
        try {
            return nats().jetStreamManagement();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Running usable() {
        await().atMost(Duration.ofSeconds(15)).until(() -> Streams.ALL.stream().allMatch(streams::usable));
        return this;
    }

    @Override
    public void close() {
        streams.close();
        connection.close();
    }
}
