package dev.saf.consumer.delivery;

import static dev.saf.consumer.Nats.event;
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
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Three servers keep what is in order, and another one begins to lead it while events come. */
class OrderOnClusterIT {

    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final int KEYS = 40;

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsCluster cluster = opened.add(NatsCluster.start(3));
    private final Nats nats = opened.add(new Nats(cluster.urls()));
    private final AtomicBoolean enough = new AtomicBoolean();
    private final AtomicInteger published = new AtomicInteger();
    private final RecordingChannel audit = new RecordingChannel(event -> {
        TimeUnit.MILLISECONDS.sleep(ThreadLocalRandom.current().nextInt(6));
        if (ThreadLocalRandom.current().nextInt(100) < (event.id().hashCode() % 20 == 0 ? 60 : 1)) {
            throw new IllegalStateException("not now");
        }
    });

    @AfterEach
    void close() {
        enough.set(true);
    }

    @Test
    void noKeyIsEverOutOfOrderThoughLeadersChangeAndDie() throws Exception {
        script("audit", audit);
        Consumer first = consumer();
        await().atMost(PATIENCE).until(() -> holds(first));
        Thread load = Thread.ofPlatform().start(this::publish);
        awaitProgress();
        for (String durable : List.of("events.saf-audit", "later.saf-audit-due", "events.saf-audit")) {
            var _ = nats.connection()
                    .request("$JS.API.CONSUMER.LEADER.STEPDOWN." + durable, new byte[0], Duration.ofSeconds(5));
            awaitProgress();
        }
        String leader = requireNonNull(
                requireNonNull(nats.consumer("audit").getClusterInfo()).getLeader());
        NatsServer dies = cluster.nodes().stream()
                .filter(node -> node.name().equals(leader))
                .findFirst()
                .orElseThrow();
        dies.kill();
        awaitProgress();
        dies.restart();
        awaitProgress();
        Consumer next = consumer();
        first.close();
        awaitProgress();
        assertThat(holds(next)).isTrue();
        enough.set(true);
        load.join();
        Set<String> ended = new HashSet<>();
        await().atMost(PATIENCE).until(() -> {
            ended.addAll(audit.deliveredIds());
            nats.deadLetters()
                    .forEach(letter ->
                            ended.add(requireNonNull(letter.getHeaders().getFirst("ce-id"))));
            return ended.size() == published.get();
        });
        Map<String, Integer> last = new HashMap<>();
        for (String id : audit.offeredIds()) {
            int dash = id.indexOf('-');
            int number = Integer.parseInt(id.substring(dash + 1));
            assertThat(last.merge(id.substring(0, dash), number, Math::max))
                    .as(id)
                    .isEqualTo(number);
        }
    }

    private static boolean holds(Consumer consumer) {
        return consumer.metric("saf.channel.order.holder", "audit") == 1;
    }

    private Consumer consumer() {
        return opened.add(Consumer.start(
                String.join(",", cluster.urls()),
                "saf.streams.events.replicas=3",
                "saf.streams.events.max-bytes=64MB",
                "saf.streams.dead-letters.max-bytes=16MB",
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.ordering=key",
                "saf.channels.audit.ack-wait=4s",
                "saf.channels.audit.retry.schedule=50ms,100ms,1s",
                "saf.channels.audit.retry.park-after=500ms"));
    }

    /** As fast as they are delivered. */
    private void publish() {
        while (!enough.get()) {
            if (published.get() > audit.delivered.size() + 1_000) {
                LockSupport.parkNanos(1_000_000);
                continue;
            }
            int number = published.get();
            String key = "k" + number % KEYS;
            nats.publish(event(key, key + "-" + number / KEYS));
            published.incrementAndGet();
        }
    }

    /** Half of the keys go on. */
    private void awaitProgress() {
        int before = audit.delivered.size();
        await().atMost(PATIENCE).until(() -> audit.delivered.size() > before + 300);
    }
}
