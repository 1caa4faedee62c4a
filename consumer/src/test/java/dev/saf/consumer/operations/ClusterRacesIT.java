package dev.saf.consumer.operations;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.channel.RejectedEventException;
import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.natsserver.NatsCluster;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;

/** Two operators and a schedule at once, on three servers: what happens in the end happens once. */
class ClusterRacesIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int EVENTS = 60;

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsCluster cluster = opened.add(NatsCluster.start(3));
    private final Set<String> failed = ConcurrentHashMap.newKeySet();
    private final ExecutorService operators = Executors.newFixedThreadPool(6);
    private final Nats nats = opened.add(new Nats(cluster.urls()));

    @AfterEach
    void close() {
        operators.shutdownNow();
    }

    private Consumer consumer(RecordingChannel audit, String... more) {
        script("audit", audit);
        List<String> settings = new ArrayList<>(List.of(
                "saf.streams.events.replicas=3",
                "saf.streams.events.max-bytes=64MB",
                "saf.streams.dead-letters.max-bytes=16MB",
                "saf.channels.audit.type=scripted"));
        settings.addAll(List.of(more));
        Consumer consumer = Consumer.start(String.join(",", cluster.urls()), settings.toArray(String[]::new));
        await().atMost(PATIENCE)
                .until(() -> consumer.management("/actuator/health/readiness").statusCode() == 200);
        return consumer;
    }

    @Test
    void aRetryComesOnceThoughTwoSendItNowWhileItsTimeComes() throws Exception {
        RecordingChannel audit = new RecordingChannel(event -> {
            if (failed.add(event.id())) {
                throw new IllegalStateException("not yet");
            }
        });
        try (Consumer consumer = consumer(
                audit,
                "saf.channels.audit.retry.schedule=8s",
                "saf.channels.audit.retry.jitter=0",
                "saf.channels.audit.retry.park-after=0s")) {
            nats.publish(EVENTS);
            await().atMost(PATIENCE)
                    .until(() -> list(consumer, "/api/retries?limit=500").size() == EVENTS);
            List<JsonNode> retries = list(consumer, "/api/retries?limit=500");
            List<Callable<Integer>> calls = new ArrayList<>();
            for (JsonNode retry : retries) {
                Instant due = Instant.parse(retry.path("due").asString());
                String path = "/api/retries/" + retry.path("id").asString() + "/now";
                for (int operator = 0; operator < 2; operator++) {
                    calls.add(() -> {
                        // Servers fire schedules a moment late.
                        await().pollInterval(Duration.ofMillis(1))
                                .atMost(PATIENCE)
                                .until(() -> Instant.now().isAfter(due.minusMillis(20)));
                        return Answer.to(consumer, "POST", path).status();
                    });
                }
            }
            List<Integer> answers = answers(calls);
            // 404 for what has come and gone in the meantime.
            assertThat(answers).containsAnyOf(202).isSubsetOf(202, 404, 409);
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0 && nats.due("audit") == 0);
            assertThat(audit.deliveredIds()).hasSize(EVENTS).doesNotHaveDuplicates();
            assertThat(audit.offered).hasSize(2 * EVENTS);
            assertThat(answers.stream().filter(status -> status == 202).count()).isLessThanOrEqualTo(EVENTS);
        }
    }

    @Test
    void aDeadLetterIsSentOnceThoughSeveralSendIt() throws Exception {
        RecordingChannel audit = new RecordingChannel(event -> {
            if (failed.add(event.id())) {
                throw new RejectedEventException("not today");
            }
        });
        try (Consumer consumer = consumer(audit)) {
            nats.publish(EVENTS);
            await().atMost(PATIENCE)
                    .until(() -> list(consumer, "/api/dead-letters?limit=500").size() == EVENTS);
            List<Callable<Integer>> calls = IntStream.rangeClosed(1, EVENTS)
                    .boxed()
                    .flatMap(sequence -> IntStream.range(0, 3).mapToObj(_ -> (Callable<Integer>)
                            () -> Answer.to(consumer, "POST", "/api/dead-letters/" + sequence + "/redrive")
                                    .status()))
                    .toList();
            List<Integer> answers = answers(calls);
            assertThat(new HashSet<>(answers)).isSubsetOf(202, 404, 409);
            assertThat(answers.stream().filter(status -> status == 202)).hasSize(EVENTS);
            await().atMost(PATIENCE).until(() -> nats.due("audit") == 0 && audit.delivered.size() >= EVENTS);
            assertThat(audit.deliveredIds()).hasSize(EVENTS).doesNotHaveDuplicates();
            assertThat(list(consumer, "/api/dead-letters")).isEmpty();
        }
    }

    private List<Integer> answers(List<Callable<Integer>> calls) throws Exception {
        List<Integer> answers = new ArrayList<>();
        for (Future<Integer> each : operators.invokeAll(calls)) {
            answers.add(each.get());
        }
        return answers;
    }

    private static List<JsonNode> list(Consumer consumer, String path) {
        List<JsonNode> items = new ArrayList<>();
        Answer.to(consumer, "GET", path).ok(200).path("items").forEach(items::add);
        return items;
    }
}
