package dev.saf.consumer.delivery;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.channel.RejectedEventException;
import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.consumer.delivery.ChannelStatus.State;
import dev.saf.event.Event;
import dev.saf.natsserver.NatsServer;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Destinations that cannot be reached are left alone. */
@Timeout(180)
class CircuitIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Duration SECONDS = Duration.ofSeconds(3);
    private static final String[] QUICK = {
        "saf.channels.audit.concurrency=4",
        "saf.channels.audit.breaker.minimum=10",
        "saf.channels.audit.breaker.window=10",
        "saf.channels.audit.breaker.open-for=1s",
        "saf.channels.audit.breaker.longest=1s",
        "saf.channels.audit.breaker.ramp=0s",
        "saf.channels.audit.retry.schedule=100ms",
        "saf.channels.audit.retry.attempts=100"
    };

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Nats nats = opened.add(new Nats(server).withStreams());

    private Consumer consumer(String... settings) {
        Map<String, String> all =
                new LinkedHashMap<>(Map.of("saf.channels.audit.type", "saf.channels.audit.type=scripted"));
        for (String setting : Stream.of(QUICK, settings).flatMap(Stream::of).toList()) {
            all.put(setting.split("=", 2)[0], setting);
        }
        return opened.add(Consumer.start(server, all.values().toArray(String[]::new)));
    }

    /** A destination that can be switched off. */
    private static final class Destination {

        final RecordingChannel channel = new RecordingChannel(this::deliver);
        final AtomicInteger most = new AtomicInteger();
        final Queue<Long> began = new ConcurrentLinkedQueue<>();
        private final AtomicInteger running = new AtomicInteger();
        private volatile boolean down = true;
        private volatile long takesMillis;

        private void deliver(Event event) throws IOException, InterruptedException {
            began.add(System.nanoTime());
            int now = running.incrementAndGet();
            most.accumulateAndGet(now, Math::max);
            try {
                if (down) {
                    throw new IOException("nobody there");
                }
                if (takesMillis > 0) {
                    Thread.sleep(takesMillis);
                }
            } finally {
                running.decrementAndGet();
            }
        }
    }

    private Destination destination() {
        Destination destination = new Destination();
        script("audit", destination.channel);
        return destination;
    }

    private static List<State> states(Consumer consumer) {
        return consumer.channel("audit").states();
    }

    private static boolean isBroken(Consumer consumer) {
        return consumer.metric("saf.channel.circuit", "audit") > 0;
    }

    @Test
    void aDestinationThatIsDownIsTriedWithOneEventAndNoAttemptOfTheOthersIsSpent() throws Exception {
        Destination destination = destination();
        Consumer consumer = consumer();
        nats.publish(100);
        await().atMost(PATIENCE).until(() -> states(consumer).contains(State.BROKEN_CIRCUIT));
        assertThat(consumer.channel("audit").status().problem()).contains("cannot be reached");
        assertThat(consumer.channel("audit").status().brokenSince()).isNotNull();
        // Ten to judge by, those under way, and those that slip in before the verdict.
        assertThat(destination.channel.offered).hasSizeBetween(10, 30);
        int before = destination.channel.offered.size();
        destination.most.set(0);
        await().atMost(PATIENCE).until(() -> destination.channel.offered.size() >= before + 3);
        assertThat(destination.most).hasValue(1);
        List<Long> began = List.copyOf(destination.began);
        for (int probe = before + 1; probe < before + 3; probe++) {
            assertThat(Duration.ofNanos(began.get(probe) - began.get(probe - 1)))
                    .isGreaterThan(Duration.ofMillis(900));
        }
        int failed = destination.channel.offered.size();
        assertThat(nats.unsettled("audit")).isEqualTo(100);
        assertThat(consumer.management("/actuator/health/readiness").statusCode())
                .isEqualTo(200);
        assertThat(consumer.management("/actuator/health").body())
                .containsAnyOf("\"state\":\"broken-circuit\"", "\"state\":\"half-open\"");

        destination.down = false;
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        assertThat(states(consumer)).containsExactly(State.RUNNING);
        assertThat(consumer.metric("saf.channel.circuit", "audit")).isZero();
        assertThat(destination.channel.delivered).hasSize(100);
        assertThat(destination.channel.offered).hasSizeBetween(failed + 100, failed + 101);
        assertThat(nats.deadLetters()).isEmpty();
    }

    @Test
    void deliversMoreAndMoreAtOnceAfterTheCircuitCloses() {
        Destination destination = destination();
        destination.takesMillis = 50;
        Consumer consumer = consumer("saf.channels.audit.concurrency=20", "saf.channels.audit.breaker.ramp=4s");
        nats.publish(1500);
        await().atMost(PATIENCE).until(() -> isBroken(consumer));
        destination.down = false;
        await().atMost(PATIENCE).until(() -> !isBroken(consumer));
        destination.most.set(0);
        long closed = System.nanoTime();
        await().pollInterval(Duration.ofMillis(5)).until(() -> System.nanoTime() - closed > 800_000_000L);
        // A fifth of the way, and the time that the last look is old.
        assertThat(destination.most).hasValueBetween(1, 8);
        await().atMost(PATIENCE).until(() -> destination.most.get() == 20);
        assertThat(Duration.ofNanos(System.nanoTime() - closed)).isGreaterThan(Duration.ofSeconds(3));
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
    }

    @Test
    void rejectionsNeverOpenTheCircuit() {
        RecordingChannel audit = new RecordingChannel(event -> {
            throw new RejectedEventException("not mine");
        });
        script("audit", audit);
        Consumer consumer = consumer();
        nats.publish(100);
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        assertThat(audit.offered).hasSize(100);
        assertThat(consumer.channel("audit").circuit().openSince()).isNull();
        assertThat(isBroken(consumer)).isFalse();
    }

    @Test
    void processesAgreeAndOnlyOneTriesAndAnotherTakesOverFromOneThatIsGone() {
        Destination first = destination();
        Consumer one = consumer();
        Destination second = destination();
        Consumer two = consumer();
        nats.publish(100);
        await().atMost(PATIENCE).until(() -> isBroken(one) || isBroken(two));
        await().atMost(SECONDS).until(() -> isBroken(one) && isBroken(two));
        // Both may have opened it at the same time; then they find out who was first.
        await().atMost(SECONDS)
                .until(() -> IntStream.of(elsewhere(one), elsewhere(two)).sum() == 1);
        boolean oneTries = elsewhere(one) == 0;
        Destination tries = oneTries ? first : second;
        Destination waits = oneTries ? second : first;
        int tried = tries.channel.offered.size();
        int waited = waits.channel.offered.size();
        await().atMost(PATIENCE).until(() -> tries.channel.offered.size() >= tried + 2);
        assertThat(waits.channel.offered).hasSize(waited);

        (oneTries ? one : two).close();
        Consumer left = oneTries ? two : one;
        await().atMost(Duration.ofSeconds(20)).until(() -> waits.channel.offered.size() > waited);
        assertThat(isBroken(left)).isTrue();
        // One that starts finds the circuit open.
        first.down = false;
        second.down = false;
        Consumer third = consumer();
        await().atMost(SECONDS).until(() -> !isBroken(left));
        await().atMost(SECONDS).until(() -> states(third).equals(List.of(State.RUNNING)) && !isBroken(third));
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
    }

    private static int elsewhere(Consumer consumer) {
        return consumer.channel("audit").circuit().state() == Circuit.State.ELSEWHERE ? 1 : 0;
    }

    @Test
    void pauseAndCircuitDoNotLiftEachOther() throws Exception {
        Destination destination = destination();
        Consumer consumer = consumer("saf.channels.audit.retry.park-after=0s", "saf.channels.audit.retry.schedule=1s");
        nats.publish(50);
        await().atMost(PATIENCE).until(() -> isBroken(consumer));
        RunningChannel channel = consumer.channel("audit");
        channel.pause();
        assertThat(channel.states()).contains(State.PAUSED);
        await().atMost(PATIENCE).until(() -> channel.states().equals(List.of(State.PAUSED, State.HALF_OPEN)));
        destination.down = false;
        int offered = destination.channel.offered.size();
        await().during(SECONDS).atMost(PATIENCE).until(() -> destination.channel.offered.size() == offered);
        // Those that have failed are due by now.
        assertThat(nats.due("audit")).isPositive();
        assertThat(isBroken(consumer)).isTrue();
        destination.down = true;
        channel.resume();
        await().atMost(SECONDS).until(() -> destination.channel.offered.size() > offered);
        assertThat(channel.states()).containsAnyOf(State.BROKEN_CIRCUIT, State.HALF_OPEN);
        channel.pause();
        destination.down = false;
        channel.resume();
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0 && nats.due("audit") == 0);
        assertThat(channel.states()).containsExactly(State.RUNNING);
    }
}
