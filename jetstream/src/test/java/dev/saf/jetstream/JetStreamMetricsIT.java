package dev.saf.jetstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.natsserver.NatsServer;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.nats.client.Subscription;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.StreamConfiguration;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class JetStreamMetricsIT {

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

    @Test
    void followsTheConnection() {
        try (NatsServer server = NatsServer.start();
                Running running = bound(Running.on(server)).usable()) {
            assertThat(value("saf.nats.connected")).isEqualTo(1);
            assertThat(value("saf.nats.reconnects")).isZero();
            double errors = value("saf.nats.errors", "kind", "client");
            server.kill();
            await().until(() -> value("saf.nats.connected") == 0);
            await().until(() -> value("saf.nats.errors", "kind", "client") > errors);
            server.restart();
            await().until(() -> value("saf.nats.connected") == 1);
            await().until(() -> value("saf.nats.reconnects") == 1);
            assertThat(running.connection().current()).isNotNull();
        }
    }

    @Test
    void countsWhatGoesOverTheConnection() throws Exception {
        try (NatsServer server = NatsServer.start();
                Running running = bound(Running.on(server)).usable()) {
            double messages = value("saf.nats.messages", "direction", "out");
            double bytes = value("saf.nats.bytes", "direction", "out");
            double answers = value("saf.nats.messages", "direction", "in");
            double answered = value("saf.nats.bytes", "direction", "in");
            running.nats().jetStream().publish("events.a", new byte[10_000]);
            assertThat(value("saf.nats.messages", "direction", "out")).isGreaterThan(messages);
            assertThat(value("saf.nats.bytes", "direction", "out")).isGreaterThan(bytes + 10_000);
            assertThat(value("saf.nats.messages", "direction", "in")).isGreaterThan(answers);
            assertThat(value("saf.nats.bytes", "direction", "in")).isGreaterThan(answered);
        }
    }

    @Test
    void countsWhatIsDiscardedAndWhatIsNotTaken() {
        try (NatsServer server = NatsServer.start();
                Running running = bound(Running.on(server)).usable()) {
            Thread.currentThread().interrupt();
            running.nats().publish("events.a", new byte[1]);
            assertThat(Thread.interrupted()).isTrue();
            await().until(() -> value("saf.nats.discarded") == 1);

            Subscription slow = running.nats().subscribe("burst");
            slow.setPendingLimits(1, -1);
            for (int i = 0; i < 10; i++) {
                running.nats().publish("burst", new byte[1]);
            }
            await().until(() -> value("saf.nats.slow.consumers") >= 1);
        }
    }

    @Test
    void countsRefusals() {
        String config = """
            max_subscriptions: 1
            authorization { users: [ { user: saf, password: secret, permissions: { publish: "$JS.API.>" } } ] }
            """;
        try (NatsServer server = NatsServer.builder().config(config).start();
                Running running = bound(Running.on(
                        Settled.nats("servers", server.url(), "user", "saf", "password", "secret"),
                        Settled.streams()))) {
            running.usable();
            running.nats().publish("forbidden", new byte[1]);
            await().until(() -> value("saf.nats.errors", "kind", "permission") == 1);
            assertThat(value("saf.nats.errors", "kind", "server")).isZero();
            for (int i = 0; i < 3; i++) {
                running.nats().subscribe("more." + i);
            }
            await().until(() -> value("saf.nats.errors", "kind", "server") > 0);
            assertThat(value("saf.nats.errors", "kind", "authentication")).isZero();
            server.reload(config.replace("secret", "other"));
            await().until(() -> value("saf.nats.errors", "kind", "authentication") > 0);
        }
    }

    @Test
    void followsTheStreams() throws Exception {
        try (NatsServer server = NatsServer.start();
                Running running = bound(Running.on(server, "events.max-bytes", "1MB", "events.max-age", "3h"))) {
            running.usable();
            assertThat(value("saf.stream.age.max", "stream", "events")).isEqualTo(3 * 3_600);
            assertThat(value("saf.stream.sound", "stream", "events")).isEqualTo(1);
            assertThat(value("saf.stream.differences", "stream", "events")).isZero();
            assertThat(value("saf.stream.bytes.max", "stream", "events")).isEqualTo(1 << 20);
            for (int i = 0; i < 3; i++) {
                running.nats().jetStream().publish("events.a", new byte[100_000]);
            }
            running.management().deleteMessage("events", 1);
            running.management()
                    .createConsumer(
                            "events",
                            ConsumerConfiguration.builder().durable("saf-log").build());
            await().until(() -> value("saf.stream.messages", "stream", "events") == 2);
            await().until(() -> value("saf.stream.consumers", "stream", "events") == 1);
            assertThat(value("saf.stream.bytes", "stream", "events")).isGreaterThan(200_000);
            assertThat(value("saf.stream.usage", "stream", "events")).isBetween(0.19, 0.3);
            assertThat(value("saf.stream.sequence.first", "stream", "events")).isEqualTo(2);
            assertThat(value("saf.stream.sequence.last", "stream", "events")).isEqualTo(3);
            assertThat(value("saf.stream.messages", "stream", "dead-letters")).isZero();

            running.management()
                    .updateStream(StreamConfiguration.builder(
                                    running.management().getStreamInfo("events").getConfiguration())
                            .maxBytes(2 << 20)
                            .build());
            await().until(() -> value("saf.stream.differences", "stream", "events") == 1);
            running.management().deleteStream("events");
            running.management()
                    .addStream(StreamConfiguration.builder()
                            .name("events")
                            .subjects("events.>")
                            .maxAge(Duration.ofHours(1))
                            .build());
            await().until(() -> value("saf.stream.sound", "stream", "events") == 0);
        }
    }

    private Running bound(Running running) {
        new JetStreamMetrics(running.connection(), running.streams()).bindTo(registry);
        return running;
    }

    private double value(String name, String... tags) {
        Meter meter = registry.get(name).tags(tags).meter();
        return meter instanceof FunctionCounter counter
                ? counter.count()
                : meter.measure().iterator().next().getValue();
    }
}
