package dev.saf.consumer.operations;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.consumer.Replica;
import dev.saf.natsserver.NatsServer;
import io.nats.client.api.ConsumerConfiguration;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What channels leave behind that are configured no more. */
class DurablesIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String AUDIT = "saf.channels.audit.type=scripted";

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final RecordingChannel audit = new RecordingChannel();
    private final RecordingChannel old = new RecordingChannel();
    private final Nats nats = opened.add(new Nats(server).withStreams());

    @BeforeEach
    void record() {
        script("audit", audit);
        script("old", old);
    }

    /** A channel had one event, and is gone when two more come. */
    private void leaveADurableBehind() {
        try (Consumer _ = Consumer.start(server, AUDIT, "saf.channels.old.type=scripted")) {
            nats.publish("1");
            await().atMost(PATIENCE)
                    .until(() -> old.delivered.size() == 1
                            && nats.unsettled("old") == 0
                            && nats.due("old") == 0
                            && nats.due("audit") == 0);
        }
        nats.publish("2", "3");
    }

    @Test
    void listsDurablesOfNoChannelWithWhatTheyHold() throws Exception {
        Instant before = Instant.now().minusSeconds(60);
        leaveADurableBehind();
        nats.connection()
                .jetStreamManagement()
                .createConsumer(
                        "events",
                        ConsumerConfiguration.builder()
                                .durable("report")
                                .filterSubject("events.rides.>")
                                .build());
        try (Consumer consumer = Consumer.start(server, AUDIT)) {
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            HttpResponse<String> answer = consumer.api("GET", "/api/durables", null);
            assertThat(answer.statusCode()).isEqualTo(200);
            JsonNode items = JsonMapper.shared().readTree(answer.body()).path("items");
            assertThat(items.findValuesAsString("name")).containsExactly("report", "saf-old", "saf-old-due");
            JsonNode left = items.path(1);
            assertThat(left.path("stream").asString()).isEqualTo("events");
            assertThat(left.path("filters").toString()).isEqualTo("[\"events.>\"]");
            assertThat(left.path("pending").asLong()).isEqualTo(2);
            assertThat(left.path("ack_pending").asLong()).isZero();
            assertThat(left.path("oldest").path("sequence").asLong()).isEqualTo(2);
            assertThat(Instant.parse(left.path("oldest").path("stored").asString()))
                    .isAfter(before);
            assertThat(Instant.parse(left.path("created").asString())).isAfter(before);
            assertThat(Instant.parse(left.path("last_active").asString())).isAfter(before);
            assertThat(left.path("in_use").asBoolean()).isFalse();
            assertThat(items.path(0).path("oldest").isNull()).isTrue();
            assertThat(items.path(0).path("last_active").isNull()).isTrue();
            assertThat(items.path(2).path("stream").asString()).isEqualTo("later");
        }
    }

    @Test
    void deletesADurableOfNoChannelAndNoOther() throws Exception {
        leaveADurableBehind();
        try (Consumer consumer = Consumer.start(server, AUDIT)) {
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            HttpResponse<String> answer = consumer.api("DELETE", "/api/durables/saf-old", null);
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(JsonMapper.shared()
                            .readTree(answer.body())
                            .path("pending")
                            .asLong())
                    .isEqualTo(2);
            assertThat(nats.connection().jetStreamManagement().getConsumerNames("events"))
                    .containsExactly("saf-audit");
            assertRefused(consumer, "saf-old", 404, "There is no durable saf-old on the streams events, later.");
            assertRefused(consumer, "saf-audit", 409, "The durable saf-audit of stream events belongs to a channel");
            assertRefused(consumer, "saf-audit-due", 409, "The durable saf-audit-due of stream later belongs to");
            assertRefused(consumer, "saf-old-due?stream=events", 404, "There is no durable saf-old-due on the stream");
            assertRefused(consumer, "saf-old-due?stream=nothing", 400, "stream must be one of events, later");
            assertThat(consumer.api("DELETE", "/api/durables/saf-old-due?stream=later", null)
                            .statusCode())
                    .isEqualTo(200);
            nats.publish("4");
            await().atMost(PATIENCE).until(() -> audit.deliveredIds().contains("4"));
        }
    }

    @Test
    void doesNotDeleteWhatAnotherProcessUses() {
        try (Consumer consumer = Consumer.start(server, AUDIT);
                Consumer _ = Consumer.start(server, "saf.channels.old.type=scripted")) {
            // Before that it may be deleted.
            await().atMost(PATIENCE)
                    .ignoreExceptions()
                    .until(() -> nats.consumer("old").getNumWaiting() > 0);
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertRefused(
                            consumer, "saf-old", 409, "Somebody waits for messages from the durable saf-old"));
            nats.publish("1");
            await().atMost(PATIENCE).until(() -> old.delivered.size() == 1);
        }
    }

    @Test
    void askWhichOneIfBothStreamsHaveTheName() throws Exception {
        try (Consumer consumer = Consumer.start(server, AUDIT)) {
            await().atMost(PATIENCE).until(() -> nats.due("audit") == 0);
            for (String stream : List.of("events", "later")) {
                nats.connection()
                        .jetStreamManagement()
                        .createConsumer(
                                stream,
                                ConsumerConfiguration.builder()
                                        .durable("report")
                                        .build());
            }
            assertRefused(consumer, "report", 400, "stream is missing: there is a durable of this name on each of");
        }
    }

    @Test
    void saysAtTheStartWhatIsLeft(@TempDir Path folder) throws Exception {
        leaveADurableBehind();
        try (Replica _ = Replica.start(server, folder, "replica", Duration.ZERO)) {
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(Files.readString(folder.resolve("replica.log")))
                            .containsOnlyOnce("durable consumer saf-old of stream events, which holds 2 messages,"
                                    + " belongs to no channel configured here")
                            .contains("DELETE /api/durables/saf-old:")
                            .doesNotContain("durable consumer saf-audit"));
        }
    }

    private static void assertRefused(Consumer consumer, String path, int status, String detail) {
        HttpResponse<String> answer = consumer.api("DELETE", "/api/durables/" + path, null);
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(JsonMapper.shared().readTree(answer.body()).path("detail").asString())
                .startsWith(detail);
    }
}
