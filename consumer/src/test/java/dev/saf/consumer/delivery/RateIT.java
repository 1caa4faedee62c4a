package dev.saf.consumer.delivery;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.natsserver.NatsServer;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A channel is called no faster than it may be. */
@Timeout(180)
class RateIT {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final double SECOND = 1e9;

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Nats nats = opened.add(new Nats(server).withStreams());
    private final Queue<Long> began = new ConcurrentLinkedQueue<>();

    private Consumer consumer(String... settings) {
        return opened.add(Consumer.start(
                server,
                Stream.concat(Stream.of("saf.channels.audit.type=scripted"), Stream.of(settings))
                        .toArray(String[]::new)));
    }

    @Test
    void deliversNoMoreThanItsRateAndABurstAllAttemptsCounted() {
        Set<String> failed = ConcurrentHashMap.newKeySet();
        RecordingChannel audit = new RecordingChannel(event -> {
            began.add(System.nanoTime());
            if (event.id().endsWith("0") && failed.add(event.id())) {
                throw new IllegalStateException("not yet");
            }
        });
        script("audit", audit);
        nats.publish(140);
        consumer(
                "saf.channels.audit.rate.limit=50",
                "saf.channels.audit.rate.burst=20",
                "saf.channels.audit.retry.schedule=100ms");
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 140);
        List<Long> times = began.stream().sorted().toList();
        assertThat(times).hasSize(154);
        for (int from = 0; from < times.size(); from++) {
            for (int to = from; to < times.size(); to++) {
                // A thread may be late by a tenth of a second, and the next one not.
                assertThat((double) to - from + 1)
                        .isLessThanOrEqualTo(20 + 50 * ((times.get(to) - times.get(from)) / SECOND + 0.1));
            }
        }
        // And all that may go goes.
        assertThat((times.getLast() - times.getFirst()) / SECOND).isBetween(2.5, 4.5);
    }

    @Test
    void whatTheRateHoldsBackIsNeitherGivenBackNorGivenToOthers() throws Exception {
        Set<String> failed = ConcurrentHashMap.newKeySet();
        RecordingChannel audit = new RecordingChannel(event -> {
            began.add(System.nanoTime());
            if (failed.add(event.id())) {
                throw new IllegalStateException("not yet");
            }
        });
        script("audit", audit);
        Consumer consumer = consumer(
                "saf.channels.audit.concurrency=4",
                "saf.channels.audit.ack-wait=1s",
                "saf.channels.audit.rate.limit=0.5",
                "saf.channels.audit.rate.burst=2",
                "saf.channels.audit.retry.schedule=1s",
                "saf.channels.audit.retry.park-after=0s");
        await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.running", "audit") == 1);
        assertThat(consumer.metric("saf.channel.rate.limited", "audit")).isZero();
        await().pollDelay(Duration.ofMillis(2500)).until(() -> true);
        nats.publish(2);
        // What failed was asked for when two might have begun, and comes when none may.
        await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.held", "audit") >= 2);
        assertThat(consumer.metric("saf.channel.rate.limited", "audit")).isEqualTo(1);
        assertThat(consumer.api("GET", "/api/channels/audit", null).body())
                .contains("\"state\":\"rate-limited\"")
                .contains("no more than 0.5 deliveries a second");
        assertThat(consumer.management("/actuator/health/readiness").statusCode())
                .isEqualTo(200);
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0 && nats.due("audit") == 0);
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 2);
        assertThat(audit.offered).hasSize(4);
        List<Long> times = List.copyOf(began);
        assertThat((times.getLast() - times.getFirst()) / SECOND).isBetween(3.8, 6.0);
        // Each was handed out once, though the last waited for longer than the ack wait.
        assertThat(nats.connection()
                        .jetStreamManagement()
                        .getConsumerInfo("later", "saf-audit-due")
                        .getDelivered()
                        .getConsumerSequence())
                .isEqualTo(2);
        await().atMost(PATIENCE)
                .until(() -> consumer.channel("audit").states().equals(List.of(ChannelStatus.State.RUNNING)));
    }

    @Test
    void anotherProcessGetsWhatThisOneMayNotDeliver() {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        Consumer slow = consumer("saf.channels.audit.rate.limit=1", "saf.channels.audit.rate.burst=1");
        Consumer fast = consumer();
        for (Consumer each : List.of(slow, fast)) {
            await().atMost(PATIENCE).until(() -> each.metric("saf.channel.running", "audit") == 1);
        }
        nats.publish(300);
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        assertThat(audit.offered).hasSize(300);
        assertThat(slow.metric("saf.channel.delivered", "audit")).isBetween(1.0, 15.0);
        assertThat(fast.metric("saf.channel.delivered", "audit")).isGreaterThan(280);
    }

    @Test
    void aDestinationThatIsBackGetsABigBacklogNoFasterThanTheRampLetsIt() {
        AtomicBoolean down = new AtomicBoolean(true);
        RecordingChannel audit = new RecordingChannel(event -> {
            if (down.get()) {
                throw new IOException("nobody there");
            }
            began.add(System.nanoTime());
        });
        script("audit", audit);
        Consumer consumer = consumer(
                "saf.channels.audit.rate.limit=200",
                "saf.channels.audit.breaker.minimum=10",
                "saf.channels.audit.breaker.window=10",
                "saf.channels.audit.breaker.open-for=1s",
                "saf.channels.audit.breaker.longest=1s",
                "saf.channels.audit.breaker.ramp=4s",
                "saf.channels.audit.retry.schedule=100ms",
                "saf.channels.audit.retry.attempts=100");
        nats.publish(1000);
        await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.circuit", "audit") > 0);
        // By now the rate would let a whole burst go.
        await().pollDelay(Duration.ofSeconds(2)).until(() -> true);
        down.set(false);
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        assertThat(audit.delivered).hasSize(1000);
        List<Long> times = began.stream().sorted().toList();
        for (int i = 0; i < times.size(); i++) {
            double seconds = (times.get(i) - times.getFirst()) / SECOND + 0.1;
            double most = seconds < 4 ? 200 * seconds * seconds / 8 : 400 + 200 * (seconds - 4);
            // The one that was tried, and what was let go while that was settled.
            assertThat((double) i + 1).as("after %.1f s", seconds).isLessThanOrEqualTo(most + 3);
        }
        assertThat((times.getLast() - times.getFirst()) / SECOND).isLessThan(10);
    }

    @Test
    void whatNobodyKeepsIsDroppedBeyondTheRate() {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        Consumer consumer = consumer(
                "saf.channels.audit.mode=core",
                "saf.channels.audit.delivery=at-most-once",
                "saf.channels.audit.rate.limit=0.01",
                "saf.channels.audit.rate.burst=2");
        await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.running", "audit") == 1);
        await().atMost(PATIENCE).until(() -> {
            nats.publish("event");
            return consumer.metric("saf.channel.dropped", "audit") >= 3;
        });
        assertThat(audit.offered).hasSize(1);
    }
}
