package dev.saf.consumer.delivery;

import dev.saf.consumer.ledger.SharedState;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out which event it is that kills the process. An event that has been handed out more often than any failure
 * explains is a suspect: it is delivered alone, with nothing beside it in this process, and a mark in the shared state
 * says so for as long as that takes. A mark that is found later, with its process gone, is a death with nobody else to
 * blame; after two of them the event becomes a dead letter without being offered again.
 *
 * <p>While a suspect is delivered, and for up to five seconds before, while the others come to an end, nothing else
 * starts in any channel. After that the others go on for at least as long.
 */
public final class Trials {

    private static final Logger log = LoggerFactory.getLogger(Trials.class);

    private static final String MARKS = "trial.";

    /** So often a process may die with an event alone. */
    private static final int MAX_DEATHS = 2;

    /** What came together with a suspect may go first. */
    private static final Duration HEAD_START = Duration.ofMillis(100);

    /** How long nothing new starts while what runs comes to its end. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private static final Duration SHORTEST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

    /** Marks so old belong to events that are long gone. */
    private static final Duration OLD = Duration.ofDays(7);

    /**
     * What the shared state knows of a suspect.
     *
     * @param deaths how often a process has died with it alone, as far as is certain
     * @param running the process that delivers it now, or that died of it; null for none
     */
    record Mark(int deaths, @Nullable String running) {

        static final Mark NONE = new Mark(0, null);

        /** Of those that run it, only the one that asks is surely alive. */
        int deathsBut(String alive) {
            return running == null || running.equals(alive) ? deaths : deaths + 1;
        }
    }

    /** A suspect delivered alone, with its mark. */
    private record Trial(Delivery suspect, String key, Mark before, long revision) {}

    private final SharedState state;
    private final String self = UUID.randomUUID().toString();
    private final List<Deliveries> all = new CopyOnWriteArrayList<>();
    private final Queue<String> leftBehind = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean working = new AtomicBoolean();
    private final LogLimit said = new LogLimit(10, Duration.ofSeconds(10));
    private volatile boolean alone;
    private volatile boolean stopping;
    private @Nullable Trial current;

    /** Only for the thread that works. */
    private Duration nextPause = SHORTEST_PAUSE;

    private boolean tidied;

    /** Knows no channel yet. */
    public Trials(SharedState state) {
        this.state = state;
    }

    /** From now on these deliveries give way, and their suspects are tried. */
    void attach(Deliveries deliveries) {
        all.add(deliveries);
    }

    /** Whether nothing may start now. Costs next to nothing. */
    boolean isAlone() {
        return alone;
    }

    /** There is a suspect. */
    void wake() {
        if (!stopping && working.compareAndSet(false, true)) {
            Thread.ofVirtual().name("saf-trials").start(this::work);
        }
    }

    /** Tries nothing more. What is tried now was not what ended this process, whatever becomes of it. */
    void stop() {
        Trial trial;
        synchronized (this) {
            stopping = true;
            trial = current;
            current = null;
        }
        if (trial != null) {
            takeBack(trial);
        }
    }

    private void work() {
        do {
            pause(HEAD_START);
            while (isNeeded()) {
                round();
            }
            working.set(false);
        } while (isNeeded() && working.compareAndSet(false, true));
    }

    private boolean isNeeded() {
        return !stopping && (!leftBehind.isEmpty() || all.stream().anyMatch(Deliveries::hasSuspects));
    }

    /** One suspect of each channel, so that none waits for all those of another. */
    private void round() {
        boolean idle = true;
        for (Deliveries deliveries : all) {
            Delivery suspect = deliveries.nextSuspect();
            if (suspect != null) {
                idle = false;
                if (judge(deliveries, suspect)) {
                    nextPause = SHORTEST_PAUSE;
                } else {
                    keep(deliveries, suspect);
                    pauseLonger();
                }
            }
        }
        if (!leftBehind.isEmpty()) {
            leftBehind.removeIf(this::tryErase);
            pause(SHORTEST_PAUSE);
        } else if (idle) {
            // Those that are left are of channels that must not deliver now.
            pause(HEAD_START);
        }
    }

    /** False if there is no judgement yet. */
    private boolean judge(Deliveries deliveries, Delivery suspect) {
        String key = key(suspect);
        try {
            tidyUp();
            SharedState.Entry entry = state.get(key);
            int deaths = entry == null ? 0 : entry.as(Mark.class).deathsBut(self);
            return deaths < MAX_DEATHS
                    ? tryAlone(deliveries, suspect, key, deaths, entry == null ? 0 : entry.revision())
                    : convict(deliveries, suspect, key, deaths);
        } catch (IOException | RuntimeException e) {
            say(suspect, "cannot be marked as delivered alone, so it waits: " + Dispatcher.describe(e));
            return false;
        }
    }

    private boolean convict(Deliveries deliveries, Delivery suspect, String key, int deaths) {
        boolean convicted = deliveries
                .handler()
                .convict(
                        suspect,
                        "the process died %d times while it delivered this event with nothing beside it"
                                .formatted(deaths));
        if (convicted) {
            erase(key);
        }
        return convicted;
    }

    private boolean tryAlone(Deliveries deliveries, Delivery suspect, String key, int deaths, long revision)
            throws IOException {
        long began = System.nanoTime();
        alone = true;
        try {
            if (!await(PATIENCE, () -> all.stream().allMatch(Deliveries::isQuiet))) {
                say(suspect, "cannot be delivered alone, because deliveries of " + busy() + " do not end, so it waits");
                return false;
            }
            Mark mark = new Mark(deaths, self);
            OptionalLong marked = revision == 0 ? state.create(key, mark) : state.update(key, mark, revision);
            return marked.isPresent()
                    && run(deliveries, new Trial(suspect, key, new Mark(deaths, null), marked.getAsLong()));
        } finally {
            alone = false;
            all.forEach(each -> each.admission().resume());
            // Whoever had to wait gets as much time in return.
            pause(Duration.ofNanos(System.nanoTime() - began));
        }
    }

    private boolean run(Deliveries deliveries, Trial trial) {
        Duration most = deliveries.longestCall().plus(PATIENCE);
        say(trial.suspect, "is delivered alone, and all channels wait for it, at most " + most.toMillis() + "ms");
        Thread running = null;
        synchronized (this) {
            if (!stopping) {
                current = trial;
                running = deliveries.deliverAlone(trial.suspect, () -> ended(trial));
            }
        }
        if (running == null) {
            takeBack(trial);
            return false;
        }
        Thread thread = running;
        if (!await(most, () -> !thread.isAlive()) && !stopping) {
            say(trial.suspect, "does not end though interrupted, so the others go on beside it");
            takeBack(trial);
        }
        return true;
    }

    private void ended(Trial trial) {
        synchronized (this) {
            current = null;
        }
        if (trial.suspect.hasEnded() || trial.suspect.isSettling()) {
            erase(trial.key);
        } else {
            takeBack(trial);
        }
    }

    /** As if it had not been tried this time. If another process has marked it since, that mark stays. */
    private void takeBack(Trial trial) {
        try {
            if (trial.before.deaths == 0) {
                var _ = state.delete(trial.key, trial.revision);
            } else {
                var _ = state.update(trial.key, trial.before, trial.revision);
            }
        } catch (IOException e) {
            // This process knows its own marks and does not mind; another one would take it for a death.
            log.warn("could not take back {}, which counts as a death once this process is gone", trial.key, e);
        }
    }

    private void erase(String key) {
        if (!tryErase(key)) {
            leftBehind.add(key);
            wake();
        }
    }

    private boolean tryErase(String key) {
        try {
            var _ = state.delete(key);
            return true;
        } catch (IOException e) {
            log.debug("could not erase {} yet", key, e);
            return false;
        }
    }

    /** Once in the life of a process, and only of one that has suspects. */
    private void tidyUp() throws IOException {
        if (tidied) {
            return;
        }
        Instant old = Instant.now().minus(OLD);
        for (String key : state.keys(MARKS)) {
            SharedState.Entry entry = state.get(key);
            if (entry != null && entry.created().isBefore(old)) {
                var _ = state.delete(key, entry.revision());
            }
        }
        tidied = true;
    }

    /** Puts a suspect back where it waits; or gives it back, once nobody waits any more. */
    private synchronized void keep(Deliveries deliveries, Delivery suspect) {
        if (stopping) {
            deliveries.answers().giveBack(suspect);
        } else {
            deliveries.suspect(suspect);
        }
    }

    private void pauseLonger() {
        pause(nextPause);
        Duration longer = nextPause.multipliedBy(2);
        nextPause = longer.compareTo(LONGEST_PAUSE) < 0 ? longer : LONGEST_PAUSE;
    }

    private void pause(Duration duration) {
        var _ = await(duration, () -> false);
    }

    /** Whether the condition came true in time; ends early when everything ends. */
    private boolean await(Duration atMost, BooleanSupplier condition) {
        long deadline = System.nanoTime() + atMost.toNanos();
        boolean met = condition.getAsBoolean();
        while (!met && !stopping && System.nanoTime() < deadline) {
            LockSupport.parkNanos(Math.min(1_000_000, deadline - System.nanoTime()));
            met = condition.getAsBoolean();
        }
        return met;
    }

    private List<String> busy() {
        return all.stream()
                .filter(deliveries -> !deliveries.isQuiet())
                .map(Deliveries::channel)
                .toList();
    }

    private void say(Delivery suspect, String what) {
        long unsaid = said.allow(System.nanoTime());
        if (unsaid >= 0) {
            log.warn(
                    "channel {}: event {}, handed out {} times without an end, {}{}",
                    suspect.source.name(),
                    suspect.position.sequence(),
                    suspect.position.deliveries(),
                    what,
                    unsaid == 0 ? "" : " (and " + unsaid + " more such lines not shown)");
        }
    }

    /** With the time it was stored: a stream that is made anew counts from 1 again. */
    private static String key(Delivery suspect) {
        Source source = suspect.source;
        return "%s%s.%s.%d.%s"
                .formatted(
                        MARKS,
                        source.channel,
                        source.kind == Source.Kind.REPLAY ? "replay-" + source.replayId() : source.kind.stream,
                        suspect.position.sequence(),
                        Long.toString(suspect.position.storedNanos(), 36));
    }
}
