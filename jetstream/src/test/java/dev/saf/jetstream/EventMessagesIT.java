package dev.saf.jetstream;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.saf.event.Event;
import dev.saf.event.InvalidEventException;
import dev.saf.event.Payload;
import dev.saf.event.TraceContext;
import dev.saf.event.WireFormat;
import dev.saf.natsserver.NatsServer;
import io.nats.client.Message;
import io.nats.client.Subscription;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class EventMessagesIT {

    @Test
    void sendsAnEventThroughNatsAndBack() throws Exception {
        Event event = new Event(
                "orders.placed",
                "ü 100%\"",
                "shop",
                "orders.placed",
                Instant.parse("2026-01-02T03:04:05.678Z"),
                Payload.of("{ \"n\": 1e400 }".getBytes(StandardCharsets.UTF_8), "application/json"),
                Map.of("partitionkey", "é"),
                new TraceContext(EventTracingTest.PARENT, "vendor=1"));
        try (NatsServer server = NatsServer.start();
                Running running = Running.on(server).usable()) {
            Subscription subscription = running.nats().subscribe("events.>");
            running.nats()
                    .jetStream()
                    .publish(
                            WireFormat.natsSubject(event),
                            EventMessages.headers(event),
                            event.payload().bytes());
            Message message = requireNonNull(subscription.nextMessage(Duration.ofSeconds(5)));
            assertThat(EventMessages.event(message)).isEqualTo(event);

            running.nats().publish("events.bare", new byte[1]);
            Message bare = requireNonNull(subscription.nextMessage(Duration.ofSeconds(5)));
            assertThatThrownBy(() -> EventMessages.event(bare)).isInstanceOf(InvalidEventException.class);
        }
    }
}
