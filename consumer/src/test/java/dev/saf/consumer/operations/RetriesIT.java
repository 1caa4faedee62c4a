package dev.saf.consumer.operations;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.natsserver.NatsServer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;

/** Parked events over HTTP. */
@Timeout(180)
class RetriesIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String TOO_LATE = "It is due already, or somebody was faster.";

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final AtomicBoolean failing = new AtomicBoolean(true);
    private final RecordingChannel audit = new RecordingChannel(event -> {
        if (failing.get()) {
            throw new IllegalStateException("not today");
        }
    });
    private final Nats nats = opened.add(new Nats(server).withStreams());

    /** With a channel whose events are parked after the first failure, and another one. */
    private Consumer consumer(String pause) {
        script("audit", audit);
        return opened.add(Consumer.start(
                server,
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.retry.schedule=" + pause,
                "saf.channels.audit.retry.park-after=0s",
                "saf.channels.audit.retry.jitter=0",
                "saf.channels.other.type=scripted"));
    }

    /** Parks so many events, which will not fail again. */
    private List<JsonNode> park(Consumer consumer, int count) {
        nats.publish(count);
        await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.parked", "audit") == count);
        failing.set(false);
        return items(list(consumer, "?limit=500"));
    }

    private static JsonNode list(Consumer consumer, String query) {
        return Answer.to(consumer, "GET", "/api/retries" + query).ok(200);
    }

    private static List<JsonNode> items(JsonNode list) {
        return list.path("items").valueStream().toList();
    }

    private static String id(JsonNode retry) {
        return retry.path("id").asString();
    }

    private static Answer now(Consumer consumer, String id) {
        return Answer.to(consumer, "POST", "/api/retries/" + id + "/now");
    }

    private static Answer cancel(Consumer consumer, String id) {
        return Answer.to(consumer, "DELETE", "/api/retries/" + id);
    }

    /** Does all of this at once, and returns what was answered. */
    private static List<Integer> atOnce(List<Callable<Integer>> requests) throws Exception {
        List<Integer> answers = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<Integer> answer : threads.invokeAll(requests)) {
                answers.add(answer.get());
            }
        }
        return answers;
    }

    /** Nothing comes that is not expected. */
    private void awaitOffered(int count) {
        await().atMost(PATIENCE).until(() -> audit.offered.size() >= count && nats.due("audit") == 0);
        await().during(Duration.ofSeconds(1)).atMost(PATIENCE).until(() -> audit.offered.size() == count);
    }

    @Test
    void listsWhatIsParkedAndUntilWhen() {
        Consumer consumer = consumer("1h");
        JsonNode retry = park(consumer, 1).getFirst();
        assertThat(retry.propertyNames())
                .containsExactly(
                        "id",
                        "channel",
                        "subject",
                        "event_id",
                        "source",
                        "event_sequence",
                        "attempts",
                        "due",
                        "error",
                        "first_failure",
                        "behind");
        assertThat(id(retry)).matches("audit\\.1\\.[0-9a-z]+\\.1-1");
        assertThat(retry.path("channel").asString()).isEqualTo("audit");
        assertThat(retry.path("subject").asString()).isEqualTo("orders.placed");
        assertThat(retry.path("event_id").asString()).isEqualTo("event-0");
        assertThat(retry.path("source").asString()).isEqualTo("shop");
        assertThat(retry.path("event_sequence").asLong()).isEqualTo(1);
        assertThat(retry.path("attempts").asLong()).isEqualTo(1);
        assertThat(retry.path("error").asString()).contains("not today");
        assertThat(retry.path("behind").isNull()).isTrue();
        Instant failed = Instant.parse(retry.path("first_failure").asString());
        assertThat(Instant.parse(retry.path("due").asString()))
                .isBetween(failed.plusSeconds(3590), failed.plusSeconds(3610));
    }

    @Test
    void listsPartByPartWithoutMissingOrRepeatingAny() {
        Consumer consumer = consumer("1h");
        List<String> all = park(consumer, 23).stream().map(RetriesIT::id).toList();
        assertThat(all).hasSize(23).doesNotHaveDuplicates();
        List<String> listed = new ArrayList<>();
        JsonNode page = list(consumer, "?channel=audit&limit=5");
        listed.addAll(items(page).stream().map(RetriesIT::id).toList());
        while (!page.path("next").isNull()) {
            assertThat(items(page)).hasSize(5);
            page = list(
                    consumer,
                    "?channel=audit&limit=5&cursor=" + page.path("next").asString());
            listed.addAll(items(page).stream().map(RetriesIT::id).toList());
        }
        assertThat(listed).isEqualTo(all);
        assertThat(items(list(consumer, "?channel=other"))).isEmpty();
    }

    @Test
    void sendsOneNowAndOnlyOnce() throws Exception {
        Consumer consumer = consumer("1h");
        List<JsonNode> retries = park(consumer, 2);
        JsonNode retry = retries.getFirst();
        List<Integer> answers = atOnce(IntStream.range(0, 16)
                .<Callable<Integer>>mapToObj(_ -> () -> now(consumer, id(retry)).status())
                .toList());
        assertThat(answers).containsOnly(202, 409).containsOnlyOnce(202);
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
        assertThat(now(consumer, id(retry)).problem(409, "conflict")).isEqualTo(TOO_LATE);
        assertThat(cancel(consumer, id(retry)).problem(409, "conflict")).isEqualTo(TOO_LATE);
        awaitOffered(3);
        assertThat(audit.deliveredIds()).containsExactly(retry.path("event_id").asString());
        assertThat(items(list(consumer, ""))).containsExactly(retries.getLast());
    }

    @Test
    void sendsEachOnceThoughItsTimeComesInThatMoment() throws Exception {
        int many = 40;
        Consumer consumer = consumer("3s");
        List<JsonNode> retries = park(consumer, many);
        assertThat(retries).hasSize(many);
        List<Callable<Integer>> requests = new ArrayList<>();
        for (int i = 0; i < many; i++) {
            JsonNode retry = retries.get(i);
            // From before its time to long after it: the server is not punctual.
            Instant when = Instant.parse(retry.path("due").asString()).plusMillis(20L * (i - 5));
            requests.add(() -> {
                for (Duration left = left(when); left.isPositive(); left = left(when)) {
                    LockSupport.parkNanos(left.toNanos());
                }
                return now(consumer, id(retry)).status();
            });
        }
        List<Integer> answers = atOnce(requests);
        assertThat(answers).contains(202, 409).containsOnly(202, 409);
        awaitOffered(2 * many);
        assertThat(audit.deliveredIds()).hasSize(many).doesNotHaveDuplicates();
        assertThat(items(list(consumer, ""))).isEmpty();
        assertThat(nats.deadLetters()).isEmpty();
    }

    private static Duration left(Instant when) {
        return Duration.between(Instant.now(), when);
    }

    @Test
    void cancelsForGood() {
        Consumer consumer = consumer("4s");
        List<JsonNode> retries = park(consumer, 2);
        JsonNode retry = retries.getFirst();
        assertThat(cancel(consumer, id(retry)).status()).isEqualTo(204);
        assertThat(items(list(consumer, ""))).containsExactly(retries.getLast());
        assertThat(cancel(consumer, id(retry)).problem(409, "conflict")).isEqualTo(TOO_LATE);
        assertThat(now(consumer, id(retry)).problem(409, "conflict")).isEqualTo(TOO_LATE);
        // The other one shows that the time has come for both.
        awaitOffered(3);
        assertThat(audit.deliveredIds())
                .containsExactly(retries.getLast().path("event_id").asString());
        assertThat(nats.deadLetters()).isEmpty();
    }

    @Test
    void eitherSendsOrCancelsWhenBothAreAskedForAtOnce() throws Exception {
        int many = 20;
        Consumer consumer = consumer("1h");
        int sent = 0;
        for (JsonNode retry : park(consumer, many)) {
            List<Integer> answers = atOnce(List.of(
                    () -> now(consumer, id(retry)).status(),
                    () -> cancel(consumer, id(retry)).status()));
            assertThat(answers).isIn(List.of(202, 409), List.of(409, 204));
            sent += answers.getFirst() == 202 ? 1 : 0;
        }
        awaitOffered(many + sent);
        assertThat(audit.deliveredIds()).hasSize(sent).doesNotHaveDuplicates();
    }

    @Test
    void refusesWhatIsNotThereOrCannotBeMeant() {
        Consumer consumer = consumer("1h");
        String id = id(park(consumer, 1).getFirst());
        for (String none : List.of(
                "x", "a.b.c.d", "*", "%3E", "audit.1.*.1-1", id.replace("audit", "other"), id.replace("1-1", "1-2"))) {
            assertThat(now(consumer, none).problem(404, "not-found"))
                    .isEqualTo("There is no such retry; GET /api/retries lists those there are.");
            assertThat(cancel(consumer, none).problem(404, "not-found"))
                    .isEqualTo("There is no such retry; GET /api/retries lists those there are.");
        }
        assertThat(Answer.to(consumer, "GET", "/api/retries?channel=billing").problem(404, "not-found"))
                .isEqualTo("There is no channel of this name: none is configured, and none has left retries.");
        assertThat(Answer.to(consumer, "GET", "/api/retries?limit=0").problem(400, "invalid-request"))
                .isEqualTo("limit must be between 1 and 500");
        assertThat(Answer.to(consumer, "GET", "/api/retries?cursor=abc").problem(400, "invalid-request"))
                .isEqualTo("cursor must be the value of next in an answer, or left out");
        assertThat(Answer.to(consumer, "GET", "/api/retries?subject=orders").problem(400, "invalid-request"))
                .isEqualTo("subject is unknown; allowed are channel, cursor, limit");
        assertThat(items(list(consumer, ""))).hasSize(1);
    }

    @Test
    void saysWhenNatsIsAway() {
        Consumer consumer = consumer("1h");
        String id = id(park(consumer, 1).getFirst());
        server.stop();
        for (Answer answer :
                List.of(now(consumer, id), cancel(consumer, id), Answer.to(consumer, "GET", "/api/retries"))) {
            assertThat(answer.problem(503, "unavailable")).isNotEmpty();
            assertThat(answer.http().headers().firstValue("Retry-After")).hasValue("1");
        }
        server.restart();
        await().atMost(PATIENCE).until(() -> now(consumer, id).status() == 202);
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
    }
}
