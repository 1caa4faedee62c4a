package dev.saf.consumer.delivery;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.channel.Channel;
import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.event.Event;
import dev.saf.natsserver.NatsServer;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import jdk.management.VirtualThreadSchedulerMXBean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Channels that do the worst hurt only themselves. */
@Timeout(180)
@SuppressWarnings("restricted") // native code can do anything, which is the point
class IsolationIT {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int PROCESSORS = Runtime.getRuntime().availableProcessors();

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Nats nats = opened.add(new Nats(server).withStreams());
    private final AtomicBoolean released = new AtomicBoolean();

    @AfterEach
    void close() throws Exception {
        released.set(true);
    }

    @Test
    void aChannelThatComputesForEverInAllItsPlacesHurtsOnlyItself() {
        double most = mostInFlightWhileOnlyTheBadChannelSuffers(event -> {
            while (!released.get()) {
                Thread.onSpinWait();
            }
        });
        // Or nobody else would get anything of the processors.
        assertThat(most).isLessThanOrEqualTo(6.0 * Math.max(2, PROCESSORS));
    }

    @Test
    void aChannelThatBlocksInNativeCodeHurtsOnlyItself() throws Exception {
        MethodHandle sleep = handle("usleep", ValueLayout.JAVA_INT);
        double most = mostInFlightWhileOnlyTheBadChannelSuffers(event -> {
            while (!released.get()) {
                int _ = (int) invoke(sleep, 100_000);
            }
        });
        assertThat(most).isPositive();
    }

    /** A method that native code calls cannot be taken off its thread when it waits. */
    @Test
    void aChannelThatPinsItsThreadHurtsOnlyItself() throws Exception {
        MethodHandle sort =
                handle("qsort", ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS);
        MethodHandle compare = MethodHandles.lookup()
                .bind(this, "compare", MethodType.methodType(int.class, MemorySegment.class, MemorySegment.class));
        try (Arena arena = Arena.ofShared()) {
            MemorySegment stub = Linker.nativeLinker()
                    .upcallStub(
                            compare,
                            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS),
                            arena);
            double most = mostInFlightWhileOnlyTheBadChannelSuffers(event -> {
                try (Arena own = Arena.ofConfined()) {
                    var _ = invoke(sort, own.allocate(8, 4), 2L, 4L, stub);
                }
            });
            assertThat(most).isPositive();
        }
    }

    @SuppressWarnings({"UnusedMethod", "UnusedVariable"}) // called by native code
    private int compare(MemorySegment one, MemorySegment other) {
        while (!released.get()) {
            LockSupport.parkNanos(10_000_000);
            boolean _ = Thread.interrupted();
        }
        return 0;
    }

    @Test
    void aChannelThatWaitsForALockHurtsOnlyItself() {
        Object lock = new Object();
        CountDownLatch locked = new CountDownLatch(1);
        Thread holder = Thread.ofPlatform().daemon().start(() -> {
            synchronized (lock) {
                locked.countDown();
                while (!released.get()) {
                    LockSupport.parkNanos(10_000_000);
                }
            }
        });
        await().atMost(PATIENCE).until(() -> locked.getCount() == 0);
        double most = mostInFlightWhileOnlyTheBadChannelSuffers(event -> {
            synchronized (lock) {
                assertThat(holder.isInterrupted()).isFalse();
            }
        });
        assertThat(most).isEqualTo(64);
    }

    /** How many calls of the bad channel ran, with 64 places. */
    private double mostInFlightWhileOnlyTheBadChannelSuffers(Channel bad) {
        script("bad", bad);
        RecordingChannel good = new RecordingChannel(event -> {
            if (event.id().equals("slow")) {
                Thread.sleep(4000);
            }
        });
        script("good", good);
        try (Consumer consumer = Consumer.start(
                server,
                "saf.channels.bad.type=scripted",
                "saf.channels.bad.subjects=orders.bad",
                "saf.channels.bad.timeout=500ms",
                "saf.channels.good.type=scripted",
                "saf.channels.good.subjects=orders.placed",
                "saf.channels.good.ack-wait=1s")) {
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.running", "bad") == 1);
            for (int i = 0; i < 100; i++) {
                nats.publish(Nats.event("orders.bad", "bad-" + i));
            }
            nats.publish("slow");
            nats.publish(1000);
            await().atMost(Duration.ofSeconds(5)).until(() -> good.delivered.size() >= 1000);
            for (int i = 0; i < 20; i++) {
                String id = "single-" + i;
                nats.publish(id);
                await().atMost(Duration.ofSeconds(1))
                        .pollInterval(Duration.ofMillis(2))
                        .until(() -> good.deliveredIds().contains(id));
            }
            double most = consumer.metric("saf.channel.in.flight", "bad");
            await().atMost(PATIENCE)
                    .until(() -> consumer.channel("bad").states().contains(ChannelStatus.State.STUCK));
            assertThat(consumer.management("/actuator/health").body())
                    .contains("\"bad\":{\"state\":\"stuck\"")
                    .containsPattern("the longest is that with event bad-\\d+ \\(sequence \\d+\\), since 20");
            for (String each : new String[] {"readiness", "liveness"}) {
                assertThat(consumer.management("/actuator/health/" + each).statusCode())
                        .isEqualTo(200);
            }
            assertThat(consumer.api("GET", "/api/channels/bad", null).body()).contains("\"event\":\"bad-");
            // Acknowledged, and once: signs of life were given for the slow one.
            await().atMost(PATIENCE).until(() -> nats.unsettled("good") == 0);
            assertThat(good.offered).hasSize(1021);
            assertThat(consumer.metric("saf.channel.acks.unconfirmed", "good")).isZero();

            released.set(true);
            await().atMost(PATIENCE).until(() -> nats.unsettled("bad") == 0);
            await().atMost(PATIENCE)
                    .until(() -> consumer.channel("bad").states().equals(List.of(ChannelStatus.State.RUNNING)));
            await().atMost(PATIENCE)
                    .until(() -> ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class)
                                    .getParallelism()
                            == PROCESSORS);
            return most;
        }
    }

    @Test
    void errorsAreFailuresLikeOthersAndFreeTheirPlaces() {
        Set<String> failed = ConcurrentHashMap.newKeySet();
        AtomicInteger kind = new AtomicInteger();
        RecordingChannel bad = new RecordingChannel(event -> {
            if (failed.add(event.id())) {
                fail(event, kind.getAndIncrement() % 4);
            }
        });
        script("bad", bad);
        try (Consumer consumer = Consumer.start(
                server,
                "saf.channels.bad.type=scripted",
                "saf.channels.bad.concurrency=2",
                "saf.channels.bad.retry.schedule=50ms")) {
            nats.publish(40);
            await().atMost(PATIENCE).until(() -> nats.unsettled("bad") == 0);
            assertThat(bad.delivered).hasSize(40);
            assertThat(bad.offered).hasSize(80);
            assertThat(consumer.metric("saf.channel.failed", "bad")).isEqualTo(40);
            assertThat(consumer.metric("saf.channel.in.flight", "bad")).isZero();
            assertThat(nats.deadLetters()).isEmpty();
        }
    }

    private static void fail(Event event, int kind) {
        switch (kind) {
            case 0 -> throw new NoClassDefFoundError("com/example/" + event.id());
            case 1 -> throw new AssertionError(new long[Integer.MAX_VALUE].length);
            case 2 -> throw new AssertionError(deeper(1));
            default -> throw new Unspeakable();
        }
    }

    @SuppressWarnings("InfiniteRecursion") // on purpose
    private static int deeper(int depth) {
        return deeper(depth + 1) + 1;
    }

    private static final class Unspeakable extends Error {

        private static final long serialVersionUID = 1;

        @Override
        public String getMessage() {
            throw new IllegalStateException("even that fails");
        }
    }

    @Test
    void aChannelThatDoesNotCloseIsLeftBehind() {
        CountDownLatch never = new CountDownLatch(1);
        script("bad", new Channel() {
            @Override
            public void deliver(Event event) {}

            @Override
            public void close() {
                while (never.getCount() > 0) {
                    LockSupport.parkNanos(never, 1_000_000_000);
                }
            }
        });
        RecordingChannel good = new RecordingChannel();
        script("good", good);
        Consumer consumer = Consumer.start(
                server,
                "saf.channels.bad.type=scripted",
                "saf.channels.bad.timeout=10ms",
                "saf.channels.good.type=scripted",
                "saf.channels.good.timeout=10ms");
        consumer.close();
        assertThat(good.closed).isTrue();
        never.countDown();
    }

    private static MethodHandle handle(String function, MemoryLayout... arguments) {
        Linker linker = Linker.nativeLinker();
        FunctionDescriptor descriptor = function.equals("qsort")
                ? FunctionDescriptor.ofVoid(arguments)
                : FunctionDescriptor.of(ValueLayout.JAVA_INT, arguments);
        return linker.downcallHandle(linker.defaultLookup().find(function).orElseThrow(), descriptor);
    }

    private static Object invoke(MethodHandle handle, Object... arguments) {
        try {
            return handle.invokeWithArguments(arguments);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
