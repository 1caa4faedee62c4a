package dev.saf.consumer.delivery;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.natsserver.NatsServer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Channels that want some events only, and these in another shape. */
class ShapeIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Nats nats = opened.add(new Nats(server).withStreams());

    private void publish(String id, String payload) {
        nats.publish(Event.of(
                "orders.placed",
                id,
                "shop",
                Instant.now(),
                Payload.of(payload.getBytes(StandardCharsets.UTF_8), "application/json")));
    }

    @Test
    void deliversWhatIsWantedAsItIsWantedAndSettlesTheRest() throws Exception {
        List<String> payloads = new CopyOnWriteArrayList<>();
        RecordingChannel audit =
                new RecordingChannel(event -> payloads.add(event.payload().utf8()));
        script("audit", audit);
        RecordingChannel other = new RecordingChannel();
        script("other", other);
        Consumer consumer = opened.add(Consumer.start(
                server,
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.filter=payload.total > 10",
                "saf.channels.audit.transform={ 'order': id, 'sum': payload.total + 1 }",
                "saf.channels.other.type=scripted"));
        publish("1", "{\"total\":5}");
        publish("2", "{\"total\":50}");
        publish("3", "{\"total\":\"no number\"}");
        publish("4", "{\"total\":11}");
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0 && other.delivered.size() == 4);
        assertThat(audit.deliveredIds()).containsExactlyInAnyOrder("2", "4");
        assertThat(payloads).containsExactlyInAnyOrder("{\"order\":\"2\",\"sum\":51}", "{\"order\":\"4\",\"sum\":12}");
        assertThat(consumer.metric("saf.channel.filtered", "audit")).isEqualTo(1);
        assertThat(consumer.metric("saf.channel.delivered", "audit")).isEqualTo(2);
        // Whoever cannot say whether it is wanted does not lose it, and keeps it as it was.
        assertThat(nats.deadLetters()).singleElement().satisfies(letter -> {
            assertThat(letter.getHeaders().getFirst("ce-id")).isEqualTo("3");
            assertThat(letter.getHeaders().getFirst("Saf-Error")).startsWith("filter fails for this event: ");
            assertThat(new String(letter.getData(), StandardCharsets.UTF_8)).isEqualTo("{\"total\":\"no number\"}");
        });
    }
}
