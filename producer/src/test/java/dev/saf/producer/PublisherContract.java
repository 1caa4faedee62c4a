package dev.saf.producer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.natsserver.NatsServer;
import dev.saf.producer.PublishResult.Failed;
import dev.saf.producer.PublishResult.IdReused;
import dev.saf.producer.PublishResult.Outcome;
import dev.saf.producer.PublishResult.Reason;
import dev.saf.producer.PublishResult.Stored;
import io.nats.client.api.MessageInfo;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What every {@link EventPublisher} has to keep, whatever it is made of. */
interface PublisherContract {

    int MAX_IN_FLIGHT = 200;

    /** A publisher at work, and the end of it. */
    interface Running extends AutoCloseable {
        EventPublisher publisher();

        @Override
        void close();
    }

    /**
     * Starts the publisher, connected, with at most {@link #MAX_IN_FLIGHT} events under way, a budget of two seconds,
     * and attempts of half a second.
     */
    Running start(NatsServer nats);

    @Test
    default void storesAnEventAndSaysWhere() throws Exception {
        try (NatsServer nats = NatsServer.start();
                Running running = start(nats)) {
            Event event = event("1", "{\"a\":1}");
            assertThat(publish(running, event)).isEqualTo(new Stored("events", 1, false));
            assertThat(publish(running, event("2", ""))).isEqualTo(new Stored("events", 2, false));
            MessageInfo message = RunningProducer.message(nats, 1);
            assertThat(message.getSubject()).isEqualTo("events.a.b");
            assertThat(message.getData()).isEqualTo("{\"a\":1}".getBytes(StandardCharsets.UTF_8));
            assertThat(message.getHeaders()).isNotNull();
            assertThat(message.getHeaders().getFirst("Nats-Msg-Id")).isEqualTo("shop/1");
            assertThat(message.getHeaders().getFirst("ce-id")).isEqualTo("1");
        }
    }

    @Test
    default void tellsARepeatFromAReusedId() throws Exception {
        try (NatsServer nats = NatsServer.start();
                Running running = start(nats)) {
            assertThat(publish(running, event("1", "x"))).isEqualTo(new Stored("events", 1, false));
            assertThat(publish(running, event("1", "x"))).isEqualTo(new Stored("events", 1, true));
            assertThat(publish(running, event("1", "y"))).isEqualTo(new IdReused());
            assertThat(RunningProducer.stream(nats).getStreamState().getMsgCount())
                    .isEqualTo(1);
        }
    }

    @Test
    default void answersForEachOfManyConcurrentEventsExactlyOnce() throws Exception {
        int count = 5_000;
        try (NatsServer nats = NatsServer.start();
                Running running = start(nats);
                ExecutorService callers = Executors.newFixedThreadPool(8)) {
            AtomicInteger answers = new AtomicInteger();
            AtomicInteger refused = new AtomicInteger();
            Set<Long> sequences = ConcurrentHashMap.newKeySet();
            for (int i = 0; i < count; i++) {
                Event event = event("e" + i, "x");
                callers.execute(() -> running.publisher().publish(event, result -> {
                    answers.incrementAndGet();
                    if (result instanceof Stored stored) {
                        sequences.add(stored.sequence());
                    } else if (result instanceof Failed(var outcome, var reason)
                            && outcome == Outcome.NOT_STORED
                            && reason == Reason.OVERLOADED) {
                        refused.incrementAndGet();
                    }
                }));
            }
            await().atMost(Duration.ofSeconds(30)).until(() -> answers.get() == count);
            assertThat(sequences).hasSize(count - refused.get());
            assertThat(RunningProducer.stream(nats).getStreamState().getMsgCount())
                    .isEqualTo(sequences.size());
            assertThat(answers).hasValue(count);
        }
    }

    @Test
    default void neverBlocksAndRefusesAtOnceWhatGoesBeyondTheBound() throws Exception {
        try (NatsServer nats = NatsServer.start();
                Running running = start(nats)) {
            nats.freeze();
            // Ten times the bound, on this one thread: were it to wait for an answer, it would wait for ever.
            List<CompletableFuture<PublishResult>> results = IntStream.range(0, 10 * MAX_IN_FLIGHT)
                    .mapToObj(i -> begin(running, event("f" + i, "x".repeat(1_000))))
                    .toList();
            List<PublishResult> atOnce = results.stream()
                    .filter(CompletableFuture::isDone)
                    .map(CompletableFuture::join)
                    .toList();
            assertThat(atOnce)
                    .hasSize(9 * MAX_IN_FLIGHT)
                    .containsOnly(new Failed(Outcome.NOT_STORED, Reason.OVERLOADED));
            await().atMost(Duration.ofSeconds(20)).until(() -> results.stream().allMatch(CompletableFuture::isDone));
            assertThat(results.stream().map(CompletableFuture::join).filter(result -> !atOnce.contains(result)))
                    .hasSize(MAX_IN_FLIGHT)
                    .allMatch(result -> result instanceof Failed(var outcome, var _) && outcome == Outcome.UNKNOWN);
            nats.thaw();
            await().atMost(Duration.ofSeconds(20)).until(() -> publish(running, event("after", "x")) instanceof Stored);
        }
    }

    @Test
    default void saysNotStoredOnlyOfWhatIsNotThere() throws Exception {
        try (NatsServer nats = NatsServer.start();
                Running running = start(nats)) {
            nats.kill();
            List<PublishResult> results = IntStream.range(0, 20)
                    .mapToObj(i -> begin(running, event("d" + i, "x")))
                    .map(CompletableFuture::join)
                    .toList();
            assertThat(results).allMatch(Failed.class::isInstance);
            nats.restart();
            await().atMost(Duration.ofSeconds(20)).until(() -> publish(running, event("after", "x")) instanceof Stored);
            long unknown = results.stream()
                    .filter(result -> result instanceof Failed(var outcome, var _) && outcome == Outcome.UNKNOWN)
                    .count();
            assertThat(RunningProducer.stream(nats).getStreamState().getMsgCount())
                    .isBetween(1L, 1 + unknown);
        }
    }

    @Test
    default void refusesWhatTheServerCannotTake() throws Exception {
        try (NatsServer nats = NatsServer.start();
                Running running = start(nats)) {
            assertThat(publish(running, event("1", "x".repeat(1_500_000))))
                    .isEqualTo(new Failed(Outcome.NOT_STORED, Reason.TOO_LARGE));
            assertThat(publish(running, event("2", "x"))).isEqualTo(new Stored("events", 1, false));
        }
    }

    @Test
    default void survivesACallerThatFails() throws Exception {
        try (NatsServer nats = NatsServer.start();
                Running running = start(nats)) {
            for (int i = 0; i < 2 * MAX_IN_FLIGHT; i++) {
                CompletableFuture<PublishResult> called = new CompletableFuture<>();
                running.publisher().publish(event("c" + i, "x"), result -> {
                    called.complete(result);
                    throw new IllegalStateException("the caller's own fault");
                });
                assertThat(called.get(10, TimeUnit.SECONDS)).isInstanceOf(Stored.class);
            }
        }
    }

    private static CompletableFuture<PublishResult> begin(Running running, Event event) {
        CompletableFuture<PublishResult> result = new CompletableFuture<>();
        running.publisher().publish(event, result::complete);
        return result;
    }

    private static PublishResult publish(Running running, Event event) throws Exception {
        return begin(running, event).get(20, TimeUnit.SECONDS);
    }

    private static Event event(String id, String payload) {
        return Event.of(
                "a.b",
                id,
                "shop",
                Instant.EPOCH,
                payload.isEmpty()
                        ? Payload.NONE
                        : Payload.of(payload.getBytes(StandardCharsets.UTF_8), "application/json"));
    }
}
