package dev.saf.consumer.operations;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.natsserver.NatsServer;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Channels over HTTP. */
class ChannelsIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Nats nats = opened.add(new Nats(server).withStreams());

    @Test
    void aChannelIsPausedAndResumedAndItsEventsAreKept() {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        try (Consumer consumer = Consumer.start(server, "saf.channels.audit.type=scripted")) {
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(json(consumer.api("GET", "/api/channels/audit", null))
                                    .path("state")
                                    .asString())
                            .isEqualTo("running"));
            assertThat(json(consumer.api("POST", "/api/channels/audit/pause", null))
                            .path("state")
                            .asString())
                    .isEqualTo("paused");
            // Twice is as good as once.
            assertThat(consumer.api("POST", "/api/channels/audit/pause", null).statusCode())
                    .isEqualTo(200);
            nats.publish("1", "2");
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(json(consumer.api("GET", "/api/channels", null))
                                    .at("/items/0/stored/backlog")
                                    .asLong())
                            .isEqualTo(2));
            assertThat(audit.offered).isEmpty();
            assertThat(json(consumer.api("POST", "/api/channels/audit/resume", null))
                            .path("paused_since")
                            .isNull())
                    .isTrue();
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 2);
        }
    }

    @Test
    void anUnknownChannelIsNotFoundAndNatsAwaySaysSo() {
        script("audit", new RecordingChannel());
        try (Consumer consumer = Consumer.start(server, "saf.channels.audit.type=scripted")) {
            HttpResponse<String> unknown = consumer.api("POST", "/api/channels/adit/pause", null);
            assertThat(unknown.statusCode()).isEqualTo(404);
            assertThat(unknown.body()).contains("configured are audit");
            server.kill();
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(consumer.api("POST", "/api/channels/audit/pause", null)
                                    .statusCode())
                            .isEqualTo(503));
        }
    }

    private static JsonNode json(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return JsonMapper.shared().readTree(answer.body());
    }
}
