package dev.saf.jetstream;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.natsserver.NatsServer;
import io.nats.client.JetStreamManagement;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.StreamConfiguration;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class StreamsIT {

    @Test
    void createsWhatIsMissing() throws Exception {
        try (NatsServer server = NatsServer.start();
                Running running = Running.on(server)) {
            running.awaitUsable();
            StreamConfiguration events =
                    running.management().getStreamInfo("events").getConfiguration();
            assertThat(events.getSubjects()).containsExactly("events.>");
            assertThat(events.getDiscardPolicy()).isEqualTo(DiscardPolicy.New);
            assertThat(events.getMaxAge()).isEqualTo(Duration.ofDays(7));
            assertThat(events.getMaxBytes()).isEqualTo(1L << 30);
            assertThat(events.getDuplicateWindow()).isEqualTo(Duration.ofMinutes(10));
            assertThat(events.getAllowAtomicPublish()).isTrue();
            StreamConfiguration deadLetters =
                    running.management().getStreamInfo("dead-letters").getConfiguration();
            assertThat(deadLetters.getSubjects()).containsExactly("dead-letters.>");
            assertThat(deadLetters.getMaxAge()).isEqualTo(Duration.ofDays(30));
            assertThat(running.streams().state("events")).isEqualTo(new StreamState.Sound(List.of()));
            assertThat(running.streams().state("dead-letters")).isEqualTo(new StreamState.Sound(List.of()));
        }
    }

    /** A connection with streams, as a service has them. */
    record Running(NatsConnection connection, PublishHealth publishHealth, Streams streams) implements AutoCloseable {

        static Running on(NatsServer server, String... streamSettings) throws InterruptedException {
            NatsConnection connection = new NatsConnection(Settled.nats("servers", server.url()), null);
            connection.start();
            PublishHealth health = new PublishHealth(System::nanoTime);
            Streams streams = new Streams(
                    connection, Settled.streams(streamSettings), health, List.of(Streams.EVENTS, Streams.DEAD_LETTERS));
            streams.start();
            return new Running(connection, health, streams);
        }

        JetStreamManagement management() throws IOException {
            return requireNonNull(connection.current()).jetStreamManagement();
        }

        void awaitUsable() {
            await().until(() -> streams.usable(Streams.EVENTS) && streams.usable(Streams.DEAD_LETTERS));
        }

        @Override
        public void close() {
            streams.close();
            connection.close();
        }
    }
}
