package dev.saf.consumer.delivery;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.consumer.Replica;
import dev.saf.natsserver.NatsServer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Several processes of the consumer share the durables of a channel. */
class SharingIT {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String AUDIT = "saf.channels.audit.type=scripted";
    private static final Duration FOREVER = Duration.ofMillis(-1);

    @TempDir
    private Path folder = Path.of("");

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Nats nats = opened.add(new Nats(server).withStreams());

    private Consumer consumer(String... settings) {
        Consumer consumer = opened.add(Consumer.start(
                server, Stream.concat(Stream.of(AUDIT), Stream.of(settings)).toArray(String[]::new)));
        await().atMost(PATIENCE)
                .until(() -> consumer.channel("audit").condition().state() == Supply.State.RUNNING);
        return consumer;
    }

    private Replica replica(String name, Duration takes, String... settings) throws IOException {
        Replica replica = Replica.start(server, folder, name, takes, settings);
        opened.add(replica);
        return replica;
    }

    @Test
    void severalProcessesShareTheWorkOfOneDurable() {
        RecordingChannel audit = new RecordingChannel(event -> TimeUnit.MILLISECONDS.sleep(5));
        script("audit", audit);
        Consumer one = consumer("saf.channels.audit.concurrency=4");
        Consumer other = consumer("saf.channels.audit.concurrency=4");
        nats.publish(300);
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 300);
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        assertThat(audit.offeredIds()).hasSize(300).doesNotHaveDuplicates();
        assertThat(one.metric("saf.channel.delivered", "audit")).isGreaterThan(50);
        assertThat(other.metric("saf.channel.delivered", "audit")).isGreaterThan(50);
    }

    @Test
    void theEventsOfAKilledProcessMoveOnAfterTheAckWait() throws Exception {
        String[] settings = {"saf.channels.audit.concurrency=5", "saf.channels.audit.ack-wait=3s"};
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        Replica hangs = replica("hangs", FOREVER, settings);
        nats.publish(5);
        await().atMost(PATIENCE).until(() -> hangs.offered().size() == 5);
        consumer(settings);
        nats.publish("another");
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
        // As long as the process lives its events are its own, beyond the ack wait.
        await().pollDelay(Duration.ofSeconds(5)).until(() -> true);
        assertThat(audit.offeredIds()).containsExactly("another");
        hangs.kill();
        await().atMost(Duration.ofSeconds(8)).until(() -> audit.delivered.size() == 6);
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        assertThat(audit.offeredIds())
                .containsExactlyInAnyOrder("another", "event-0", "event-1", "event-2", "event-3", "event-4");
    }

    @Test
    void aFrozenProcessRepeatsNothingButWhatItHadBegun() throws Exception {
        String[] settings = {"saf.channels.audit.concurrency=5", "saf.channels.audit.ack-wait=2s"};
        RecordingChannel audit = new RecordingChannel(event -> TimeUnit.MILLISECONDS.sleep(20));
        script("audit", audit);
        Replica frozen = replica("frozen", Duration.ofSeconds(3), settings);
        nats.publish(12);
        await().atMost(PATIENCE).until(() -> frozen.offered().size() == 5);
        frozen.freeze();
        consumer(settings);
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 12);
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        frozen.thaw();
        await().atMost(PATIENCE).until(() -> frozen.delivered().size() == 5);
        int published = publishUntilItTakesPart(frozen);
        assertThat(frozen.offered().subList(0, 5)).isSubsetOf(audit.offeredIds());
        assertThat(Stream.concat(
                        audit.offeredIds().stream(),
                        frozen.offered().subList(5, frozen.offered().size()).stream()))
                .doesNotHaveDuplicates()
                .hasSize(12 + published);
    }

    @Test
    void aFrozenProcessDoesNotBeginWhatCameMeanwhile() throws Exception {
        String[] settings = {"saf.channels.audit.concurrency=5", "saf.channels.audit.ack-wait=2s"};
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        Replica frozen = replica("frozen", Duration.ZERO, settings);
        nats.publish("first");
        await().atMost(PATIENCE).until(() -> frozen.delivered().size() == 1);
        frozen.freeze();
        nats.publish(5);
        // The server has handed them out to a process that has asked and cannot listen.
        await().atMost(PATIENCE).until(() -> nats.consumer("audit").getNumAckPending() > 0);
        consumer(settings);
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 5);
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        frozen.thaw();
        publishUntilItTakesPart(frozen);
        assertThat(frozen.offered()).doesNotContainAnyElementsOf(audit.offeredIds());
        assertThat(audit.offeredIds()).doesNotHaveDuplicates();
    }

    @Test
    void aFrozenProcessDoesNotBeginWhatItHeld() throws Exception {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        // Some come a quarter of a second before they may begin.
        Replica frozen = replica(
                "frozen",
                Duration.ZERO,
                "saf.channels.audit.ack-wait=2s",
                "saf.channels.audit.rate.limit=20",
                "saf.channels.audit.rate.burst=1");
        nats.publish(100);
        await().atMost(PATIENCE).until(() -> frozen.delivered().size() >= 20);
        frozen.freeze();
        long begun = frozen.offered().size();
        assertThat(nats.consumer("audit").getNumAckPending()).isGreaterThan(2);
        consumer("saf.channels.audit.ack-wait=2s");
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        frozen.thaw();
        publishUntilItTakesPart(frozen);
        assertThat(frozen.offered().stream().filter(id -> id.startsWith("event-")))
                .as("offered beyond %d; one may have begun without having said so", begun)
                .hasSizeBetween((int) begun, (int) begun + 1);
        assertThat(audit.offeredIds()).doesNotHaveDuplicates();
    }

    /** Returns how many events it took. */
    private int publishUntilItTakesPart(Replica replica) {
        int before = replica.offered().size();
        AtomicInteger published = new AtomicInteger();
        await().atMost(PATIENCE).until(() -> {
            nats.publish("afterwards-" + published.getAndIncrement());
            return replica.offered().size() > before
                    && replica.offered().getLast().startsWith("afterwards-");
        });
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        return published.get();
    }

    @Test
    void aRollingRestartRepeatsNothingAndLosesNothing() throws Exception {
        // Long enough that some are under way when a process is told to stop.
        Duration takes = Duration.ofMillis(400);
        List<Replica> all = new ArrayList<>(List.of(replica("a", takes), replica("b", takes)));
        AtomicBoolean enough = new AtomicBoolean();
        AtomicInteger published = new AtomicInteger();
        Thread load = Thread.ofPlatform().start(() -> {
            while (!enough.get()) {
                nats.publish("event-" + published.getAndIncrement());
                LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
            }
        });
        for (int i = 0; i < 2; i++) {
            Replica old = all.get(i);
            await().atMost(PATIENCE).until(() -> old.delivered().size() > 50);
            old.terminate();
            Replica next = replica("next-" + i, takes);
            all.add(next);
            await().atMost(PATIENCE).until(() -> next.delivered().size() > 50);
        }
        enough.set(true);
        load.join();
        await().atMost(Duration.ofSeconds(60)).until(() -> nats.unsettled("audit") == 0);
        List<String> offered =
                all.stream().flatMap(each -> each.offered().stream()).toList();
        List<String> delivered =
                all.stream().flatMap(each -> each.delivered().stream()).toList();
        assertThat(offered).doesNotHaveDuplicates();
        assertThat(delivered)
                .containsExactlyInAnyOrderElementsOf(IntStream.range(0, published.get())
                        .mapToObj(i -> "event-" + i)
                        .toList());
    }

    @Test
    void parkedRetriesAreSharedAndComeOnce() {
        Set<String> failed = ConcurrentHashMap.newKeySet();
        RecordingChannel audit = new RecordingChannel(event -> {
            if (failed.add(event.id())) {
                throw new IllegalStateException("not yet");
            }
            TimeUnit.MILLISECONDS.sleep(5);
        });
        script("audit", audit);
        String[] settings = {
            "saf.channels.audit.concurrency=8",
            "saf.channels.audit.retry.schedule=2s",
            "saf.channels.audit.retry.park-after=0s"
        };
        Consumer one = consumer(settings);
        Consumer other = consumer(settings);
        nats.publish(200);
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 200);
        await().atMost(PATIENCE).until(() -> nats.due("audit") == 0 && nats.unsettled("audit") == 0);
        assertThat(audit.offered).hasSize(400);
        // What was delivered came from the durable of retries.
        assertThat(audit.deliveredIds()).doesNotHaveDuplicates();
        assertThat(one.metric("saf.channel.delivered", "audit")).isGreaterThan(20);
        assertThat(other.metric("saf.channel.delivered", "audit")).isGreaterThan(20);
    }
}
