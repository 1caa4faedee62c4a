package dev.saf.consumer.delivery;

import dev.saf.jetstream.NatsConnection;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;

/** Starts all channels when everything else is there, and stops them before anything else goes. */
public final class RunningChannels implements SmartLifecycle {

    private static final Logger log = LoggerFactory.getLogger(RunningChannels.class);
    private static final Duration LOOK_AFTER = Duration.ofMillis(100);
    private static final Duration LOOK = Duration.ofSeconds(10);

    /** What stopping a channel takes beyond its last call: to ask for no more, to be confirmed, to close. */
    private static final Duration LAST_STEPS = Duration.ofSeconds(10);

    private final List<RunningChannel> all;
    private final Trials trials;
    private final Carriers carriers = new Carriers();
    private @Nullable ScheduledExecutorService timer;

    /** Prepares what {@link #start} starts. */
    public RunningChannels(
            List<ConfiguredChannel> channels, NatsConnection nats, Surroundings surroundings, MeterRegistry registry) {
        this.trials = surroundings.trials();
        this.all = channels.stream()
                .map(channel ->
                        new RunningChannel(channel, nats, surroundings, new ChannelMetrics(registry, channel.name())))
                .toList();
    }

    /** Every configured channel. */
    public List<RunningChannel> all() {
        return all;
    }

    /** The channel of this name, null if none is configured. */
    public @Nullable RunningChannel find(String name) {
        return all.stream().filter(each -> each.name().equals(name)).findFirst().orElse(null);
    }

    @Override
    public synchronized void start() {
        // Two threads, for one may have to wait until NATS answers.
        ScheduledExecutorService started = Executors.newScheduledThreadPool(
                2, Thread.ofPlatform().name("saf-deliveries-", 1).factory());
        timer = started;
        every(started, LOOK_AFTER, carriers::look);
        every(started, LOOK_AFTER, this::agree);
        for (RunningChannel each : all) {
            each.start();
            every(started, LOOK_AFTER, each::lookAfter);
            every(started, LOOK, () -> Thread.ofVirtual().name("saf-look").start(each::look));
        }
    }

    /** Brings every channel up to what all processes have agreed on. Blocks for as long as NATS takes to answer. */
    private void agree() {
        all.forEach(RunningChannel::advance);
        for (RunningChannel each : all) {
            try {
                each.agree();
            } catch (IOException e) {
                log.debug("channel {}: nothing new", each.name(), e);
                all.forEach(other -> other.missed(e));
                return;
            }
        }
    }

    /** All at once, and as long as the slowest channel's time-out lets it take. */
    @Override
    public synchronized void stop() {
        ScheduledExecutorService started = timer;
        if (started == null) {
            return;
        }
        trials.stop();
        CountDownLatch stopped = new CountDownLatch(all.size());
        Set<String> left = ConcurrentHashMap.newKeySet();
        for (RunningChannel each : all) {
            left.add(each.name());
            Thread.ofPlatform().daemon().name("saf-stop-" + each.name()).start(() -> {
                try {
                    each.stop();
                } finally {
                    left.remove(each.name());
                    stopped.countDown();
                }
            });
        }
        try {
            if (!stopped.await(patience().toMillis(), TimeUnit.MILLISECONDS)) {
                log.error("channels {} do not close in time, and are left as they are", left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        started.shutdown();
        timer = null;
    }

    /** Enough for every call to end, and for all that comes after it. */
    private Duration patience() {
        return all.stream()
                .map(each -> each.deliveries().longestCall())
                .max(Comparator.naturalOrder())
                .orElse(Duration.ZERO)
                .plus(LAST_STEPS);
    }

    @Override
    public synchronized boolean isRunning() {
        return timer != null;
    }

    private static void every(ScheduledExecutorService timer, Duration period, Runnable task) {
        var _ = timer.scheduleWithFixedDelay(
                () -> {
                    try {
                        task.run();
                    } catch (RuntimeException e) {
                        // Or it would never be run again.
                        log.error("looking after the deliveries failed", e);
                    }
                },
                period.toMillis() / 10,
                period.toMillis(),
                TimeUnit.MILLISECONDS);
    }
}
