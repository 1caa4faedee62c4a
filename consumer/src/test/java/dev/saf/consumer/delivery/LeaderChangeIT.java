package dev.saf.consumer.delivery;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.natsserver.NatsCluster;
import dev.saf.natsserver.NatsServer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Three servers keep the durable, and another one begins to lead it while events come. */
class LeaderChangeIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** Servers elect a new leader after some seconds of silence. */
    private static final Duration RESUME = Duration.ofSeconds(20);

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsCluster cluster = opened.add(NatsCluster.start(3));
    private final Nats nats = opened.add(new Nats(cluster.urls()));
    private final RecordingChannel audit = new RecordingChannel(event -> TimeUnit.MILLISECONDS.sleep(5));
    private final AtomicBoolean enough = new AtomicBoolean();
    private final AtomicInteger published = new AtomicInteger();

    @BeforeEach
    void record() {
        script("audit", audit);
    }

    @AfterEach
    void close() {
        enough.set(true);
    }

    @Test
    void deliveriesGoOnAndNothingIsLostOrRepeatedWhenAnotherServerLeads() throws Exception {
        try (Consumer consumer = consumer()) {
            Thread load = Thread.ofPlatform().start(this::publish);
            for (int i = 0; i < 5; i++) {
                String before = leader();
                var answer = nats.connection()
                        .request(
                                "$JS.API.CONSUMER.LEADER.STEPDOWN.events.saf-audit",
                                new byte[0],
                                Duration.ofSeconds(5));
                assertThat(new String(requireNonNull(answer).getData(), StandardCharsets.UTF_8))
                        .contains("\"success\":true");
                await().atMost(PATIENCE).until(() -> !leader().isEmpty() && !leader().equals(before));
                awaitProgress();
            }
            assertAllDeliveredOnce(load, consumer);
        }
    }

    @Test
    void deliveriesGoOnAndNothingIsLostOrRepeatedWhenTheLeadingServerDies() throws Exception {
        try (Consumer consumer = consumer()) {
            Thread load = Thread.ofPlatform().start(this::publish);
            awaitProgress();
            String leader = leader();
            NatsServer dies = cluster.nodes().stream()
                    .filter(node -> node.name().equals(leader))
                    .findFirst()
                    .orElseThrow();
            dies.kill();
            awaitProgress();
            dies.restart();
            awaitProgress();
            assertAllDeliveredOnce(load, consumer);
        }
    }

    private Consumer consumer() {
        Consumer consumer = Consumer.start(
                String.join(",", cluster.urls()),
                "saf.streams.events.replicas=3",
                "saf.streams.events.max-bytes=64MB",
                "saf.streams.dead-letters.max-bytes=16MB",
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.concurrency=16",
                "saf.channels.audit.ack-wait=5s");
        await().atMost(PATIENCE)
                .until(() -> consumer.channel("audit").condition().state() == Supply.State.RUNNING);
        return consumer;
    }

    /** As fast as they are delivered. */
    private void publish() {
        while (!enough.get()) {
            if (published.get() > audit.delivered.size() + 1_000) {
                LockSupport.parkNanos(1_000_000);
            } else {
                nats.publish("event-" + published.getAndIncrement());
            }
        }
    }

    /** What is published from now on arrives. */
    private void awaitProgress() {
        String next = "event-" + (published.get() + 10);
        await().atMost(RESUME).until(() -> audit.deliveredIds().contains(next));
    }

    private void assertAllDeliveredOnce(Thread load, Consumer consumer) throws InterruptedException {
        enough.set(true);
        load.join();
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        assertThat(audit.deliveredIds())
                .containsExactlyInAnyOrderElementsOf(IntStream.range(0, published.get())
                        .mapToObj(i -> "event-" + i)
                        .toList());
        // The process is the same, so it knows what it has delivered, whatever the servers forgot.
        assertThat(audit.offered).hasSize(published.get());
        assertThat(consumer.metric("saf.channel.stalls", "audit")).isZero();
    }

    /** The name of the server that leads the durable, empty if there is none. */
    private String leader() {
        try {
            var info = nats.consumer("audit").getClusterInfo();
            return info == null || info.getLeader() == null ? "" : info.getLeader();
        } catch (Exception e) {
            return "";
        }
    }
}
