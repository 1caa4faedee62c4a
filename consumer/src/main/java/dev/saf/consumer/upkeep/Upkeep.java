package dev.saf.consumer.upkeep;

import dev.saf.consumer.ledger.DeadLetters;
import dev.saf.consumer.ledger.Lease;
import dev.saf.consumer.ledger.Parking;
import dev.saf.consumer.ledger.SharedState;
import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.Streams;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.nats.client.JetStreamApiException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;

/**
 * Does what has to be done now and then about the streams, most of it in one process at a time: in the one that holds
 * the lease {@code upkeep}.
 */
final class Upkeep implements SmartLifecycle {

    private static final Logger log = LoggerFactory.getLogger(Upkeep.class);
    private static final Duration LEASE = Duration.ofSeconds(1);
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    /**
     * Something to do.
     *
     * @param what for the log
     * @param alone whether only who holds the lease does it
     */
    private record Chore(String what, Duration every, boolean alone, Task task) {}

    private final NatsConnection nats;
    private final Lease lease;
    private final List<Chore> chores = new ArrayList<>();
    private final CountDownLatch over = new CountDownLatch(1);
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean running;

    /**
     * Prepares what {@link #start} starts.
     *
     * @param channels the names of those that are configured and have a durable
     */
    Upkeep(
            NatsConnection nats,
            UpkeepSettings settings,
            List<String> channels,
            DeadLetters deadLetters,
            Parking parking,
            MeterRegistry registry) {
        this.nats = nats;
        this.lease = new Lease(
                new SharedState(nats),
                "upkeep",
                ManagementFactory.getRuntimeMXBean().getName());
        Access access = new Access(nats);
        Advisories advisories = new Advisories(access, channels, deadLetters, registry);
        Counter trimmed = Counter.builder("saf.stream.trimmed")
                .description("Delivered events that were purged because the stream was getting full")
                .tag("stream", Streams.EVENTS)
                .register(registry);
        List<String> durables = channels.stream().map(each -> "saf-" + each).toList();
        together("lease", LEASE, lease::renew);
        together(
                "count of retries",
                settings.interval(),
                () -> parking.counted(
                        access.stream(Streams.LATER).getStreamState().getMsgCount()));
        alone("advisories", settings.interval(), advisories);
        alone("trimming", settings.interval(), new Trimming(access, durables, advisories, settings, trimmed));
        alone("settled retries", settings.interval(), new SettledRetries(access, channels, SettledRetries.LAG));
    }

    private void together(String what, Duration every, Task task) {
        chores.add(new Chore(what, every, false, task));
    }

    private void alone(String what, Duration every, Task task) {
        chores.add(new Chore(what, every, true, task));
    }

    @Override
    public synchronized void start() {
        running = true;
        for (Chore chore : chores) {
            threads.add(Thread.ofVirtual().name("saf-upkeep " + chore.what).start(() -> repeat(chore)));
        }
    }

    /** Lets what is under way end, and gives the lease back. */
    @Override
    public synchronized void stop() {
        over.countDown();
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        try {
            for (Thread thread : threads) {
                var _ = thread.join(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
            }
            lease.release();
        } catch (IOException e) {
            log.debug("upkeep: the lease ends by itself", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        running = false;
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    private void repeat(Chore chore) {
        String problem = null;
        try {
            do {
                if (nats.current() != null && (!chore.alone || lease.held())) {
                    problem = attempt(chore, problem);
                }
            } while (!over.await(chore.every.toNanos(), TimeUnit.NANOSECONDS));
        } catch (InterruptedException e) {
            // Nobody does that.
            Thread.currentThread().interrupt();
        }
    }

    /** Does it, and returns what was wrong, null if nothing was. Says so only when it is news. */
    private static @Nullable String attempt(Chore chore, @Nullable String before) {
        String problem = null;
        try {
            chore.task.run();
        } catch (JetStreamApiException | IOException e) {
            problem = e.getMessage();
        } catch (RuntimeException e) {
            problem = e.toString();
            log.debug("upkeep: {}", chore.what, e);
        }
        if (problem != null && !Objects.equals(problem, before)) {
            log.warn("upkeep: {}: {}", chore.what, problem);
        } else if (problem == null && before != null) {
            log.info("upkeep: {}: goes on", chore.what);
        }
        return problem;
    }
}
