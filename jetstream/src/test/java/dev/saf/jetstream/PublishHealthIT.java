package dev.saf.jetstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.natsserver.NatsServer;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamOptions;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.health.contributor.Status;

@Timeout(60)
class PublishHealthIT {

    @Test
    void followsAFrozenServerDownAndUpAgain() {
        try (NatsServer server = NatsServer.start();
                // Pings are so rare that only the publishes can tell.
                Running running = Running.on(
                                Settled.nats("servers", server.url(), "ping-interval", "1h"), Settled.streams())
                        .usable()) {
            publish(running);
            assertThat(running.health().getStatus()).isEqualTo(Status.UP);
            server.freeze();
            await().atMost(Duration.ofSeconds(20)).untilAsserted(() -> {
                publish(running);
                assertThat(running.problem()).startsWith("publishing has not worked for ");
            });
            assertThat(running.health().getStatus()).isEqualTo(Status.DOWN);
            server.thaw();
            await().atMost(Duration.ofSeconds(10)).untilAsserted(() -> {
                publish(running);
                assertThat(running.health().getStatus()).isEqualTo(Status.UP);
            });
        }
    }

    @Test
    void forgetsFailuresOnceNatsIsBack() {
        try (NatsServer server = NatsServer.start();
                Running running = Running.on(server).usable()) {
            running.publishHealth().failed("no answer");
            server.kill();
            await().untilAsserted(() -> assertThat(running.problem()).startsWith("not connected to NATS at nats://"));
            assertThat(running.health().getStatus()).isEqualTo(Status.DOWN);
            server.restart();
            await().until(() -> running.connection().current() != null);
            await().until(() -> !running.publishHealth().isFailing());
            await().untilAsserted(() -> assertThat(running.health().getStatus()).isEqualTo(Status.UP));
        }
    }

    private static void publish(Running running) {
        Connection nats = running.connection().current();
        if (nats == null) {
            running.publishHealth().failed("not connected");
            return;
        }
        try {
            nats.jetStream(JetStreamOptions.builder()
                            .requestTimeout(Duration.ofMillis(300))
                            .build())
                    .publish("events.a", new byte[1]);
            running.publishHealth().succeeded();
        } catch (IOException | JetStreamApiException | IllegalStateException e) {
            running.publishHealth().failed("no answer");
        }
    }
}
