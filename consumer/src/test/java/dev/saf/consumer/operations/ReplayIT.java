package dev.saf.consumer.operations;

import static dev.saf.consumer.Nats.event;
import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.consumer.Replica;
import dev.saf.consumer.ledger.SharedState;
import dev.saf.event.Event;
import dev.saf.event.TraceContext;
import dev.saf.natsserver.NatsServer;
import io.nats.client.JetStreamApiException;
import io.nats.client.api.ConsumerInfo;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Events that a channel gets once more because somebody asked for it. */
@Timeout(180)
class ReplayIT {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String[] CHANNELS = {"saf.channels.audit.type=scripted", "saf.channels.other.type=scripted"};

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final RecordingChannel other = new RecordingChannel();
    private final Nats nats = opened.add(new Nats(server).withStreams());

    @BeforeEach
    void record() {
        script("other", other);
    }

    @Test
    void replaysExactlyTheRangeToThatChannelOnly() throws Exception {
        RecordingChannel audit = recorded();
        try (Consumer consumer = Consumer.start(server, CHANNELS)) {
            nats.publish(10);
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 10 && settled("audit", "other"));
            ConsumerInfo before = nats.consumer("audit");

            HttpResponse<String> answer = begin(consumer, "{'from_sequence':3,'until_sequence':6}");
            assertThat(answer.statusCode()).isEqualTo(202);
            JsonNode begun = json(answer);
            String id = begun.path("id").asString();
            assertThat(answer.headers().firstValue("Location")).hasValue("/api/replays/" + id);
            assertThat(begun.path("state").asString()).isEqualTo("running");
            assertThat(begun.path("total").asLong()).isEqualTo(4);

            JsonNode done = awaitEnd(consumer, id, "done");
            assertThat(done.path("delivered").asLong()).isEqualTo(4);
            assertThat(done.path("settled").asLong()).isEqualTo(4);
            assertThat(done.path("ended").asString()).isNotEmpty();
            assertThat(audit.deliveredIds().subList(10, audit.delivered.size()))
                    .containsExactlyInAnyOrder("event-2", "event-3", "event-4", "event-5");
            assertThat(other.offered).hasSize(10);
            ConsumerInfo after = nats.consumer("audit");
            assertThat(after.getDelivered().getConsumerSequence())
                    .isEqualTo(before.getDelivered().getConsumerSequence());
            await().atMost(PATIENCE).until(() -> durablesOfReplays().isEmpty());
            assertThat(json(consumer.api("GET", "/api/replays", null))
                            .path("items")
                            .path(0))
                    .isEqualTo(done);
        }
    }

    @Test
    void marksReplayedEventsAndLeavesTheRestAsItWas() {
        RecordingChannel audit = recorded();
        Event sent = event("orders.placed", "café 1")
                .withTrace(new TraceContext("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "a=b"));
        try (Consumer consumer = Consumer.start(server, CHANNELS)) {
            nats.publish(sent);
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
            String id = json(begin(consumer, "{'from_sequence':1}")).path("id").asString();
            awaitEnd(consumer, id, "done");
            List<Event> delivered = List.copyOf(audit.delivered);
            assertThat(delivered).hasSize(2);
            assertThat(delivered.get(0).withTrace(null)).isEqualTo(sent.withTrace(null));
            assertThat(delivered.get(1).withTrace(null))
                    .isEqualTo(sent.withAttribute("safreplay", id).withTrace(null));
            assertThat(Objects.requireNonNull(delivered.get(1).trace()).traceparent())
                    .startsWith("00-4bf92f3577b34da6a3ce929d0e0e4736-");
        }
    }

    @Test
    void replaysFromATimeUntilATime() throws Exception {
        RecordingChannel audit = recorded();
        try (Consumer consumer = Consumer.start(server, CHANNELS)) {
            nats.publish(8);
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 8);
            String id = json(begin(consumer, "{'from_time':'%s','until':'%s'}".formatted(stored(3), stored(5))))
                    .path("id")
                    .asString();
            awaitEnd(consumer, id, "done");
            assertThat(audit.deliveredIds().subList(8, audit.delivered.size()))
                    .containsExactlyInAnyOrder("event-2", "event-3", "event-4");
        }
    }

    @Test
    void replaysOnlyTheSubjectsAskedFor() {
        RecordingChannel audit = recorded();
        try (Consumer consumer =
                Consumer.start(server, "saf.channels.audit.type=scripted", "saf.channels.audit.subjects=orders.>")) {
            nats.publish(event("orders.placed", "1"));
            nats.publish(event("orders.paid", "2"));
            nats.publish(event("users.left", "3"));
            nats.publish(event("orders.eu.sent", "4"));
            nats.publish(event("orders.placed", "5"));
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 4);

            JsonNode some = json(begin(consumer, "{'from_sequence':1,'subjects':['orders.paid','orders.*.sent']}"));
            assertThat(some.path("total").asLong()).isEqualTo(2);
            awaitEnd(consumer, some.path("id").asString(), "done");
            assertThat(audit.deliveredIds().subList(4, audit.delivered.size())).containsExactlyInAnyOrder("2", "4");

            JsonNode all = json(begin(consumer, "{'from_sequence':1}"));
            assertThat(all.path("total").asLong()).isEqualTo(4);
            awaitEnd(consumer, all.path("id").asString(), "done");
            assertThat(audit.deliveredIds().subList(6, audit.delivered.size()))
                    .containsExactlyInAnyOrder("1", "2", "4", "5");

            assertThat(refusal(consumer, "{'from_sequence':1,'subjects':['users.left']}", 400, "invalid-request"))
                    .isEqualTo("subjects must each be within those of the channel: orders.>");
            assertThat(refusal(consumer, "{'from_sequence':1,'subjects':['>']}", 400, "invalid-request"))
                    .isEqualTo("subjects must each be within those of the channel: orders.>");
            assertThat(refusal(
                            consumer,
                            "{'from_sequence':1,'subjects':['orders.*','orders.paid']}",
                            400,
                            "invalid-request"))
                    .endsWith("at least one, and no two with events in common");
        }
    }

    @Test
    void aDryRunCountsAndChangesNothing() throws Exception {
        RecordingChannel audit = recorded();
        try (Consumer consumer = Consumer.start(server, CHANNELS)) {
            nats.publish(10);
            nats.publish(event("users.left", "11"));
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 11);
            HttpResponse<String> answer = begin(consumer, "{'from_sequence':4,'until_sequence':9,'dry_run':true}");
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body()).isEqualTo("{\"count\":6}");
            assertThat(begin(consumer, "{'from_sequence':4,'subjects':['users.*'],'dry_run':true}")
                            .body())
                    .isEqualTo("{\"count\":1}");
            assertThat(consumer.api("GET", "/api/replays", null).body()).isEqualTo("{\"items\":[],\"next\":null}");
            assertThat(durablesOfReplays()).isEmpty();
            assertThat(audit.offered).hasSize(11);
        }
    }

    @Test
    void keepsToItsRateHoweverManyProcessesThereAre() {
        List<Long> times = new ArrayList<>();
        RecordingChannel audit = new RecordingChannel(event -> {
            if (event.attributes().get("safreplay") != null) {
                synchronized (times) {
                    times.add(System.nanoTime());
                }
            }
        });
        script("audit", audit);
        try (Consumer consumer = Consumer.start(server, CHANNELS);
                Consumer _ = Consumer.start(server, CHANNELS)) {
            nats.publish(40);
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 40);
            String id = json(begin(consumer, "{'from_sequence':1,'rate':20}"))
                    .path("id")
                    .asString();
            awaitEnd(consumer, id, "done");
        }
        assertThat(audit.delivered).hasSize(80);
        // 40 at 20 a second take two seconds, but for what may have gathered: a fifth of a second's.
        assertThat(Duration.ofNanos(times.getLast() - times.getFirst()))
                .isBetween(Duration.ofMillis(1600), Duration.ofSeconds(10));
    }

    @Test
    void goesOnInAnotherProcessWhereTheFirstOneStopped() {
        RecordingChannel audit = recorded();
        String id;
        try (Consumer consumer = Consumer.start(server, CHANNELS)) {
            nats.publish(60);
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 60 && settled("audit", "other"));
            id = json(begin(consumer, "{'from_sequence':1,'rate':20}"))
                    .path("id")
                    .asString();
            await().atMost(PATIENCE).until(() -> audit.delivered.size() >= 70);
        }
        assertThat(audit.delivered).hasSizeLessThan(120);
        try (Consumer consumer = Consumer.start(server, CHANNELS)) {
            JsonNode done = awaitEnd(consumer, id, "done");
            assertThat(done.path("settled").asLong()).isEqualTo(60);
        }
        assertThat(audit.deliveredIds().subList(60, audit.delivered.size()))
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.range(0, 60).mapToObj(i -> "event-" + i).toList());
    }

    @Test
    void goesOnAfterTheProcessThatSawToItIsKilled(@TempDir Path folder) throws Exception {
        String[] settings = {"saf.channels.audit.type=scripted", "saf.channels.audit.ack-wait=1s"};
        RecordingChannel audit = recorded();
        String id;
        Replica replica = Replica.start(server, folder, "replica", Duration.ZERO, settings[1]);
        try (replica) {
            try (Consumer consumer = Consumer.start(server, settings)) {
                nats.publish(60);
                await().atMost(PATIENCE)
                        .until(() ->
                                audit.delivered.size() + replica.delivered().size() == 60 && settled("audit"));
                id = json(begin(consumer, "{'from_sequence':1,'rate':10}"))
                        .path("id")
                        .asString();
            }
            // It may have started only now.
            int before = replica.offered().size();
            await().atMost(PATIENCE).until(() -> replica.offered().size() >= before + 10);
            replica.kill();
        }
        try (Consumer consumer = Consumer.start(server, settings)) {
            assertThat(state(consumer, id).path("state").asString()).isEqualTo("running");
            JsonNode done = awaitEnd(consumer, id, "done");
            assertThat(done.path("settled").asLong()).isEqualTo(60);
        }
        List<String> delivered = new ArrayList<>(replica.delivered());
        delivered.addAll(audit.deliveredIds());
        for (int i = 0; i < 60; i++) {
            assertThat(Collections.frequency(delivered, "event-" + i)).isGreaterThanOrEqualTo(2);
        }
        // Only what was under way, or not confirmed, when the process was killed.
        assertThat(delivered).hasSizeBetween(120, 125);
    }

    @Test
    void leavesNothingBehind() throws Exception {
        RecordingChannel audit = recorded();
        try (Consumer consumer = Consumer.start(server, CHANNELS)) {
            nats.publish(5);
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 5);
            awaitEnd(
                    consumer,
                    json(begin(consumer, "{'from_sequence':1}")).path("id").asString(),
                    "done");
            await().atMost(PATIENCE).until(() -> durablesOfReplays().isEmpty());
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.replays", "audit") == 0);
            int before = subscriptions();
            for (int i = 0; i < 4; i++) {
                awaitEnd(
                        consumer,
                        json(begin(consumer, "{'from_sequence':1}")).path("id").asString(),
                        "done");
            }
            await().atMost(PATIENCE).until(() -> durablesOfReplays().isEmpty());
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(subscriptions()).isLessThanOrEqualTo(before));
            SharedState state = consumer.bean(SharedState.class);
            await().atMost(PATIENCE).until(() -> state.keys("lease.replay.").isEmpty());
        }
    }

    @Test
    void listsTheYoungestFirstPartByPart() {
        RecordingChannel audit = recorded();
        try (Consumer consumer = Consumer.start(server, CHANNELS)) {
            nats.publish(1);
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
            List<String> ids = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                ids.addFirst(
                        json(begin(consumer, "{'from_sequence':1}")).path("id").asString());
            }
            JsonNode first = Answer.to(consumer, "GET", "/api/replays?channel=audit&limit=2")
                    .ok(200);
            assertThat(ids(first)).isEqualTo(ids.subList(0, 2));
            String rest = "/api/replays?limit=2&cursor=" + first.path("next").asString();
            JsonNode second =
                    Answer.to(consumer, "GET", rest + "&channel=audit").ok(200);
            assertThat(ids(second)).isEqualTo(ids.subList(2, 3));
            assertThat(second.path("next").isNull()).isTrue();
            assertThat(Answer.to(consumer, "GET", rest).problem(400, "invalid-request"))
                    .startsWith("cursor belongs to a list with other filters");
            assertThat(ids(Answer.to(consumer, "GET", "/api/replays?channel=other")
                            .ok(200)))
                    .isEmpty();
        }
    }

    private static List<String> ids(JsonNode list) {
        return list.path("items")
                .valueStream()
                .map(each -> each.path("id").asString())
                .toList();
    }

    @Test
    void isCancelledAndThenOffersNothingMore() {
        RecordingChannel audit = recorded();
        try (Consumer consumer = Consumer.start(server, CHANNELS)) {
            nats.publish(100);
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 100);
            String id = json(begin(consumer, "{'from_sequence':1,'rate':10}"))
                    .path("id")
                    .asString();
            await().atMost(PATIENCE).until(() -> audit.delivered.size() >= 105);
            HttpResponse<String> answer = consumer.api("DELETE", "/api/replays/" + id, null);
            assertThat(answer.statusCode()).isEqualTo(200);
            JsonNode cancelled = json(answer);
            assertThat(cancelled.path("state").asString()).isEqualTo("cancelled");
            assertThat(cancelled.path("delivered").asLong()).isBetween(5L, 90L);
            await().atMost(PATIENCE).until(() -> durablesOfReplays().isEmpty());
            int offered = audit.offered.size();
            await().during(Duration.ofSeconds(1)).atMost(PATIENCE).until(() -> audit.offered.size() == offered);

            assertThat(Answer.to(consumer, "DELETE", "/api/replays/" + id).problem(409, "conflict"))
                    .startsWith("It is cancelled since 2");
            assertThat(json(consumer.api("GET", "/api/replays/" + id, null))).isEqualTo(cancelled);
        }
    }

    @Test
    void aFailingEventIsParkedAndComesBackAsPartOfTheReplay() {
        AtomicInteger failures = new AtomicInteger();
        RecordingChannel audit = new RecordingChannel(event -> {
            if (event.attributes().get("safreplay") != null && failures.incrementAndGet() < 3) {
                throw new IllegalStateException("not yet");
            }
        });
        script("audit", audit);
        try (Consumer consumer = Consumer.start(
                server,
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.retry.initial=50ms",
                "saf.channels.audit.retry.park-after=0s")) {
            nats.publish("1");
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
            String id = json(begin(consumer, "{'from_sequence':1}")).path("id").asString();
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 2 && nats.due("audit") == 0);
            awaitEnd(consumer, id, "done");
            assertThat(audit.offered).hasSize(4);
            assertThat(audit.offered.stream()
                            .skip(1)
                            .map(event -> event.attributes().get("safreplay")))
                    .containsOnly(id);
            assertThat(consumer.metric("saf.channel.parked", "audit")).isEqualTo(2);
            assertThat(nats.deadLetters()).isEmpty();
        }
    }

    @Test
    void aParkedRetryOfTheSameEventIsNotDisturbed() {
        List<String> lives = new ArrayList<>();
        RecordingChannel audit = new RecordingChannel(event -> {
            synchronized (lives) {
                lives.add(event.attributes().get("safreplay") == null ? "own" : "replayed");
                if (lives.size() == 1) {
                    throw new IllegalStateException("not yet");
                }
            }
        });
        script("audit", audit);
        try (Consumer consumer = Consumer.start(
                server,
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.retry.schedule=6s",
                "saf.channels.audit.retry.park-after=0s")) {
            nats.publish("1");
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.parked", "audit") == 1);
            String id = json(begin(consumer, "{'from_sequence':1}")).path("id").asString();
            awaitEnd(consumer, id, "done");
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 2 && nats.due("audit") == 0);
            assertThat(lives).containsExactly("own", "replayed", "own");
        }
    }

    @Test
    void isNotDoneBeforeItsRetriesAreThoughEventsBeyondItWait() {
        Map<String, Integer> attempts = new ConcurrentHashMap<>();
        RecordingChannel audit = new RecordingChannel(event -> {
            if (event.attributes().get("safreplay") != null && attempts.merge(event.id(), 1, Integer::sum) < 3) {
                throw new IllegalStateException("not yet");
            }
        });
        script("audit", audit);
        try (Consumer consumer = Consumer.start(
                server,
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.concurrency=4",
                "saf.channels.audit.retry.schedule=2s,2s")) {
            nats.publish(200);
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 200);
            String id = json(begin(consumer, "{'from_sequence':1,'until_sequence':20}"))
                    .path("id")
                    .asString();
            JsonNode done = awaitEnd(consumer, id, "done");
            assertThat(done.path("settled").asLong()).isEqualTo(20);
            assertThat(audit.delivered).hasSize(220);
            assertThat(attempts).hasSize(20).containsValue(3).doesNotContainValue(4);
        }
    }

    @Test
    void waitsWhileTheChannelIsPaused() throws Exception {
        RecordingChannel audit = recorded();
        try (Consumer consumer = Consumer.start(server, CHANNELS)) {
            nats.publish(10);
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 10);
            consumer.channel("audit").pause();
            String id = json(begin(consumer, "{'from_sequence':1}")).path("id").asString();
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.replays", "audit") == 1);
            await().during(Duration.ofSeconds(1)).atMost(PATIENCE).until(() -> audit.offered.size() == 10);
            assertThat(state(consumer, id).path("delivered").asLong()).isZero();
            consumer.channel("audit").resume();
            awaitEnd(consumer, id, "done");
            assertThat(audit.delivered).hasSize(20);
        }
    }

    @Test
    void saysSoWhenSomebodyDeletesItsDurable() throws Exception {
        CountDownLatch letGo = new CountDownLatch(1);
        RecordingChannel audit = new RecordingChannel(event -> {
            if (event.attributes().get("safreplay") != null) {
                letGo.await();
            }
        });
        script("audit", audit);
        try (Consumer consumer = Consumer.start(server, CHANNELS)) {
            nats.publish(3);
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 3);
            String id = json(begin(consumer, "{'from_sequence':1}")).path("id").asString();
            await().atMost(PATIENCE).until(() -> audit.offered.size() == 6);
            nats.connection()
                    .jetStreamManagement()
                    .deleteConsumer("events", durablesOfReplays().getFirst());
            JsonNode failed = awaitEnd(consumer, id, "failed");
            letGo.countDown();
            assertThat(failed.path("problem").asString())
                    .contains("durable consumer")
                    .contains("gone");
        }
    }

    @Test
    void refusesWhatCannotBeMeant() throws Exception {
        var _ = recorded();
        try (Consumer consumer = Consumer.start(server, CHANNELS)) {
            nats.publish(3);
            """
            {}                                          | from_sequence or from_time must be given, and not both
            {'from_sequence':1,'from_time':'2026-01-02T03:04:05Z'} | from_sequence or from_time must be given, and not both
            {'from_sequence':0}                         | from_sequence must be at least 1
            {'from_sequence':4}                         | from_sequence must not be beyond the last event, which is 3 now
            {'from_sequence':1,'until_sequence':4}      | until_sequence must not be beyond the last event, which is 3 now
            {'from_sequence':2,'until_sequence':1}      | until_sequence must not be less than from_sequence
            {'from_time':'2026-01-02T03:04:05Z','until_sequence':0} | until_sequence must be at least 1
            {'from_time':'2999-01-02T03:04:05Z'}        | from_time must not lie in the future
            {'from_sequence':1,'until':'2999-01-02T03:04:05Z'} | until must not lie in the future
            {'from_time':'2026-01-02T03:04:05Z','until':'2026-01-02T03:04:04Z'} | until must not be before from_time
            {'from_sequence':1,'rate':0}                | rate must be more than 0 (events a second), or left out
            {'from_sequence':1,'rate':-1,'subjects':[]} | rate must be more than 0 (events a second), or left out; subjects must be dot-separated tokens of [A-Za-z0-9_-], in which * stands for one token and a last > for one or more; at least one, and no two with events in common
            {'from_time':'yesterday'}                   | from_time must be a time as in RFC 3339, such as 2026-01-02T03:04:05Z
            {'from':1}                                  | from is unknown; allowed are dry_run, from_sequence, from_time, rate, subjects, until, until_sequence
            """.lines().forEach(line -> {
                String[] parts = line.split(" +\\| ", 2);
                assertThat(refusal(consumer, parts[0], 400, "invalid-request")).isEqualTo(parts[1]);
            });
            assertThat(Answer.to(consumer, "GET", "/api/replays?chanel=audit").problem(400, "invalid-request"))
                    .isEqualTo("chanel is unknown; allowed are channel, cursor, limit");
            assertThat(durablesOfReplays()).isEmpty();
        }
    }

    @Test
    void knowsNoChannelOrReplayThatIsNotThere() {
        var _ = recorded();
        try (Consumer consumer = Consumer.start(server, CHANNELS)) {
            String none = "There is no channel of this name; configured are audit, other.";
            assertThat(Answer.to(consumer, "POST", "/api/channels/billing/replays", "{\"from_sequence\":1}")
                            .problem(404, "not-found"))
                    .isEqualTo(none);
            assertThat(Answer.to(consumer, "GET", "/api/replays?channel=billing")
                            .problem(404, "not-found"))
                    .isEqualTo(none);
            for (String id : List.of("abc", "a.b", "*", "%3E")) {
                for (String method : List.of("GET", "DELETE")) {
                    assertThat(Answer.to(consumer, method, "/api/replays/" + id).problem(404, "not-found"))
                            .startsWith("There is no replay ");
                }
            }
        }
    }

    @Test
    void offersNothingAgainToAChannelForWhichNothingIsKept() {
        try (Consumer consumer = Consumer.start(
                server,
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.mode=core",
                "saf.channels.audit.delivery=at-most-once")) {
            assertThat(refusal(consumer, "{'from_sequence':1}", 409, "conflict"))
                    .isEqualTo("The channel audit has mode: core and gets only what is published while it listens, so"
                            + " nothing can be offered to it again.");
        }
    }

    @Test
    void saysWhenNatsIsAway() {
        try (Consumer consumer = Consumer.start("nats://127.0.0.1:1", CHANNELS)) {
            assertThat(refusal(consumer, "{'from_sequence':1}", 503, "unavailable"))
                    .isNotEmpty();
            for (String path : List.of("/api/replays", "/api/replays/abc")) {
                assertThat(Answer.to(consumer, "GET", path).problem(503, "unavailable"))
                        .isNotEmpty();
            }
            assertThat(Answer.to(consumer, "DELETE", "/api/replays/abc").problem(503, "unavailable"))
                    .isNotEmpty();
        }
    }

    private static RecordingChannel recorded() {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        return audit;
    }

    /** A replay to the channel audit. */
    private static HttpResponse<String> begin(Consumer consumer, String body) {
        return consumer.api("POST", "/api/channels/audit/replays", body.replace('\'', '"'));
    }

    private static JsonNode state(Consumer consumer, String id) {
        return json(consumer.api("GET", "/api/replays/" + id, null));
    }

    private static JsonNode awaitEnd(Consumer consumer, String id, String state) {
        await().atMost(PATIENCE)
                .until(() -> !state(consumer, id).path("state").asString().equals("running"));
        JsonNode ended = state(consumer, id);
        assertThat(ended.path("state").asString()).isEqualTo(state);
        return ended;
    }

    private static JsonNode json(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).as(answer.body()).isLessThan(300);
        return JsonMapper.shared().readTree(answer.body());
    }

    /** The sentence with which a replay to the channel audit is refused. */
    private static String refusal(Consumer consumer, String body, int status, String kind) {
        return Answer.to(consumer, "POST", "/api/channels/audit/replays", body.replace('\'', '"'))
                .problem(status, kind);
    }

    /** How many subscriptions all clients of the server have. */
    private int subscriptions() throws IOException, InterruptedException {
        URI connections = URI.create("http://127.0.0.1:" + server.monitoringPort() + "/connz");
        try (HttpClient client = HttpClient.newHttpClient()) {
            String answer = client.send(
                            HttpRequest.newBuilder(connections).build(), HttpResponse.BodyHandlers.ofString())
                    .body();
            return JsonMapper.shared()
                    .readTree(answer)
                    .path("connections")
                    .valueStream()
                    .mapToInt(each -> each.path("subscriptions").asInt())
                    .sum();
        }
    }

    private boolean settled(String... channels) {
        return List.of(channels).stream().allMatch(each -> nats.unsettled(each) == 0);
    }

    private String stored(long sequence) throws IOException, JetStreamApiException {
        return Objects.requireNonNull(nats.connection()
                        .jetStreamManagement()
                        .getMessage("events", sequence)
                        .getTime())
                .toInstant()
                .toString();
    }

    private List<String> durablesOfReplays() throws IOException, JetStreamApiException {
        return nats.connection().jetStreamManagement().getConsumerNames("events").stream()
                .filter(each -> each.contains("-replay-"))
                .toList();
    }
}
