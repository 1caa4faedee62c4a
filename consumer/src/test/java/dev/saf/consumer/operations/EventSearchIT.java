package dev.saf.consumer.operations;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.channel.RejectedEventException;
import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.event.Event;
import dev.saf.event.EventIds;
import dev.saf.event.Payload;
import dev.saf.natsserver.NatsServer;
import io.nats.client.api.StreamConfiguration;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Where is this event? */
class EventSearchIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Nats nats = opened.add(new Nats(server).withStreams());

    @Test
    void tellsOfEveryChannelWhereTheEventIs() {
        CountDownLatch release = new CountDownLatch(1);
        script("good", new RecordingChannel());
        script("dead", event -> {
            throw new RejectedEventException("unknown customer");
        });
        script("parks", event -> {
            throw new IllegalStateException("not yet");
        });
        script("slow", event -> release.await());
        try (Consumer consumer = Consumer.start(
                server,
                "saf.channels.good.type=scripted",
                "saf.channels.dead.type=scripted",
                "saf.channels.parks.type=scripted",
                "saf.channels.parks.retry.schedule=1h",
                "saf.channels.slow.type=scripted",
                "saf.channels.other.type=scripted",
                "saf.channels.other.subjects=rides.>")) {
            nats.publish("1");
            await().atMost(PATIENCE).untilAsserted(() -> {
                JsonNode found = found(consumer, "/api/events/1?service=shop");
                assertThat(found.path("sequence").asLong()).isEqualTo(1);
                assertThat(found.path("subject").asString()).isEqualTo("orders.placed");
                assertThat(state(found, "good")).isEqualTo("settled");
                assertThat(state(found, "dead")).isEqualTo("dead");
                assertThat(way(found, "dead").path("reason").asString()).isEqualTo("rejected");
                assertThat(way(found, "dead").path("dead_letter").asLong()).isEqualTo(1);
                assertThat(state(found, "parks")).isEqualTo("parked");
                assertThat(Instant.parse(way(found, "parks").path("due").asString()))
                        .isAfter(Instant.now().plus(Duration.ofMinutes(40)));
                assertThat(way(found, "parks").path("attempts").asLong()).isEqualTo(1);
                assertThat(way(found, "parks").path("retry").asString()).startsWith("parks.1.");
                assertThat(state(found, "slow")).isEqualTo("in-flight");
                assertThat(state(found, "other")).isEqualTo("not-subscribed");
            });
            assertThat(found(consumer, "/api/events/1?service=shop&sequence=1")
                            .path("id")
                            .asString())
                    .isEqualTo("1");
            release.countDown();
        }
    }

    @Test
    void anEventThatHasNotComeYetWaits() {
        CountDownLatch release = new CountDownLatch(1);
        script("slow", event -> release.await());
        try (Consumer consumer =
                Consumer.start(server, "saf.channels.slow.type=scripted", "saf.channels.slow.concurrency=1")) {
            nats.publish("1", "2", "3");
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(state(found(consumer, "/api/events/3?service=shop"), "slow"))
                            .isEqualTo("waiting"));
            release.countDown();
        }
    }

    @Test
    void findsEventsBeyondTheDuplicateWindow() throws Exception {
        var management = nats.connection().jetStreamManagement();
        management.updateStream(
                StreamConfiguration.builder(management.getStreamInfo("events").getConfiguration())
                        .duplicateWindow(Duration.ofMillis(200))
                        .build());
        script("good", new RecordingChannel());
        String made = EventIds.next(System.currentTimeMillis());
        nats.publish(50);
        nats.publish(Event.of("orders.placed", made, null, Instant.now(), Payload.of(new byte[0], null)));
        nats.publish("a/b c");
        try (Consumer consumer =
                Consumer.start(server, "saf.streams.events.duplicate-window=1s", "saf.channels.good.type=scripted")) {
            await().atMost(PATIENCE).until(() -> nats.unsettled("good") == 0);
            // Long enough for the server to forget the ids.
            await().pollDelay(Duration.ofSeconds(1)).until(() -> true);
            assertThat(found(consumer, "/api/events/" + made).path("sequence").asLong())
                    .isEqualTo(51);
            assertThat(found(consumer, "/api/events/event-7?service=shop")
                            .path("sequence")
                            .asLong())
                    .isEqualTo(8);
            assertThat(found(consumer, "/api/events?id=a%2Fb%20c&service=shop")
                            .path("sequence")
                            .asLong())
                    .isEqualTo(52);
        }
    }

    @Test
    void findsWhatOnlyTheDeadLettersHaveStill() throws Exception {
        script("dead", event -> {
            throw new RejectedEventException("unknown customer");
        });
        try (Consumer consumer = Consumer.start(server, "saf.channels.dead.type=scripted")) {
            nats.publish("1");
            await().atMost(PATIENCE).until(() -> nats.deadLetters().size() == 1);
            nats.connection().jetStreamManagement().purgeStream("events");
            JsonNode found = found(consumer, "/api/events/1?service=shop&sequence=1");
            assertThat(found.path("stored").isNull()).isTrue();
            assertThat(state(found, "dead")).isEqualTo("dead");
            assertThat(state(found(consumer, "/api/events/1?service=shop"), "dead"))
                    .isEqualTo("dead");
        }
    }

    @Test
    void callsUnknownOnlyWhatItHasLookedForEverywhere() {
        script("good", new RecordingChannel());
        nats.publish("1");
        try (Consumer consumer = Consumer.start(server, "saf.channels.good.type=scripted")) {
            assertProblem(consumer.api("GET", "/api/events/2?service=shop", null), 404, "none is parked or dead");
            assertProblem(consumer.api("GET", "/api/events/1", null), 404, "service saf");
            assertProblem(consumer.api("GET", "/api/events/2?service=shop&sequence=1", null), 404, "another event");
            assertProblem(consumer.api("GET", "/api/events/1?service=shop&sequence=9", null), 404, "not on the stream");
            assertProblem(consumer.api("GET", "/api/events/1?sequence=0", null), 400, "sequence");
            assertProblem(consumer.api("GET", "/api/events/1?since=2999-01-01T00:00:00Z", null), 400, "since");
            assertProblem(consumer.api("GET", "/api/events/1?serivce=shop", null), 400, "serivce");
        }
    }

    @Test
    void lookingForAnEventStoresNothingAndTakesNoId() throws Exception {
        script("good", new RecordingChannel());
        try (Consumer consumer = Consumer.start(server, "saf.channels.good.type=scripted")) {
            assertThat(consumer.api("GET", "/api/events/later?service=shop", null)
                            .statusCode())
                    .isEqualTo(404);
            nats.publish("later");
            assertThat(found(consumer, "/api/events/later?service=shop")
                            .path("sequence")
                            .asLong())
                    .isEqualTo(1);
            assertThat(nats.connection()
                            .jetStreamManagement()
                            .getStreamInfo("events")
                            .getStreamState()
                            .getMsgCount())
                    .isEqualTo(1);
        }
    }

    private static JsonNode found(Consumer consumer, String path) {
        HttpResponse<String> answer = consumer.api("GET", path, null);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return JsonMapper.shared().readTree(answer.body());
    }

    private static JsonNode way(JsonNode found, String channel) {
        for (JsonNode each : found.path("channels")) {
            if (each.path("channel").asString().equals(channel)) {
                return each;
            }
        }
        throw new AssertionError("nothing of " + channel + " in " + found);
    }

    private static String state(JsonNode found, String channel) {
        return way(found, channel).path("state").asString();
    }

    private static void assertProblem(HttpResponse<String> answer, int status, String part) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.body()).contains(part);
    }
}
