package dev.saf.consumer.delivery;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Says when each event of a channel starts, and starts it on a virtual thread: there are only so many places, so many
 * starts in a second, and none while an event is tried alone. What cannot start waits here, first come, first served.
 */
final class Admission {

    /**
     * So many deliveries may have been started and not have come to run. More would only wait in one row with those of
     * other channels, which must come to run before them if this channel keeps all processors.
     */
    private static final int MOST_STARTING = 2 * LongCalls.MANY;

    /** What the rate will let go so soon is asked for already: twice as long as a thread that pulls may wait. */
    private static final Duration AHEAD = Duration.ofMillis(250);

    /** Events that had to wait for the rate so recently count as waiting still. */
    private static final long RATE_LIMITED_NANOS = Duration.ofSeconds(1).toNanos();

    /** The longest and the shortest time between two looks whether the rate lets an event go. */
    private static final long LOOK_NANOS = Duration.ofMillis(100).toNanos();

    private static final long SHORT_LOOK_NANOS = Duration.ofMillis(1).toNanos();

    private final ConfiguredChannel channel;
    private final Trials trials;
    private final List<Restraint> restraints;
    private final Circuit circuit;
    private final Handler handler;

    /** Null for no bound. */
    private final @Nullable Pace pace;

    private final AtomicBoolean waitingForPace = new AtomicBoolean();
    private final LongCalls longCalls;
    private final Thread.Builder.OfVirtual threads;
    private final Held held = new Held();
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicInteger starting = new AtomicInteger();
    private final Set<Thread> waiting = ConcurrentHashMap.newKeySet();
    private volatile long lastStartNanos = System.nanoTime();
    private volatile long rateLimitedNanos = lastStartNanos - RATE_LIMITED_NANOS;

    Admission(ConfiguredChannel channel, Trials trials, List<Restraint> restraints, Circuit circuit, Handler handler) {
        this.channel = channel;
        this.trials = trials;
        this.restraints = List.copyOf(restraints);
        this.circuit = circuit;
        this.handler = handler;
        this.pace = channel.settings().rate().pace(System.nanoTime());
        this.longCalls = new LongCalls(channel);
        this.threads = Thread.ofVirtual().name("saf-" + channel.name());
    }

    /** How many calls of the channel run. */
    int running() {
        return running.get();
    }

    /** How many events wait here. */
    int held() {
        return held.size();
    }

    /** Which calls of the channel take longer than they should. */
    LongCalls longCalls() {
        return longCalls;
    }

    /** How many more events could start now; less than none if more wait than could. */
    int free() {
        return Math.min(most() - running.get(), roomByRate()) - held.size();
    }

    private int roomByRate() {
        Pace bound = pace;
        if (bound == null) {
            return Integer.MAX_VALUE;
        }
        long now = System.nanoTime();
        bound.slowTo(circuit.share(), now);
        return bound.room(now, AHEAD);
    }

    /** Whether events wait because no more may be delivered in a second, or have just waited. */
    boolean isRateLimited() {
        return pace != null && System.nanoTime() - rateLimitedNanos < RATE_LIMITED_NANOS;
    }

    /** Whether nothing is to start for now. */
    boolean isHeldBack() {
        return most() <= 0;
    }

    /** Whether nothing is to be delivered, not even alone. */
    boolean isClosed() {
        return limit() <= 0;
    }

    /** Whether no delivery has begun for so long. */
    boolean isStanding(Duration atLeast) {
        return System.nanoTime() - lastStartNanos >= atLeast.toNanos();
    }

    private int most() {
        return trials.isAlone() ? 0 : limit();
    }

    private int limit() {
        if (longCalls.areTooMany()) {
            return 0;
        }
        int most = channel.settings().concurrency();
        for (Restraint restraint : restraints) {
            int limit = restraint.limit();
            // What is stuck may stay so for ever, and must not keep the one event from being tried.
            most = limit <= 0 ? 0 : (int) Math.min(most, (long) limit + longCalls.stuck());
        }
        return most;
    }

    /** Starts the delivery of an event as soon as it may. */
    void admit(Delivery delivery) {
        if (held.isEmpty() && claim()) {
            start(delivery);
        } else {
            held.add(delivery);
            startHeld();
        }
    }

    /** The same, unless it would have to wait for a place or for the rate. False if so. */
    boolean tryAdmit(Delivery delivery) {
        if (held.isEmpty() && claim()) {
            start(delivery);
            return true;
        }
        if (!mayWait()) {
            return false;
        }
        held.add(delivery);
        startHeld();
        return true;
    }

    /** Why an event would have to wait now, for people. */
    String obstacle() {
        return isRateLimited() ? "rate.limit is reached" : "there is no place for it among " + most();
    }

    /** Whether there is a place, and only others must come to run first. */
    private boolean mayWait() {
        Pace bound = pace;
        return running.get() + held.size() < most() && (bound == null || bound.room(System.nanoTime()) > 0);
    }

    private boolean claim() {
        if (starting.get() >= MOST_STARTING) {
            return false;
        }
        int most = most();
        for (int now = running.get(); now < most; now = running.get()) {
            if (running.compareAndSet(now, now + 1)) {
                // Whoever wants to be alone says so first and then counts; here it is the other way round.
                if (!trials.isAlone() && isInTime()) {
                    return true;
                }
                running.decrementAndGet();
                return false;
            }
        }
        return false;
    }

    /** Whether the rate lets one more go now. */
    private boolean isInTime() {
        Pace bound = pace;
        if (bound == null) {
            return true;
        }
        long now = System.nanoTime();
        bound.slowTo(circuit.share(), now);
        if (bound.take(now)) {
            return true;
        }
        rateLimitedNanos = now;
        return false;
    }

    /** Starts what waits and may start by now. */
    void startHeld() {
        while (!held.isEmpty() && claim()) {
            Delivery next = held.poll();
            if (next == null) {
                running.decrementAndGet();
            } else {
                start(next);
            }
        }
        Pace bound = pace;
        if (bound != null && couldStart() && waitingForPace.compareAndSet(false, true)) {
            Thread.ofVirtual().name("saf-rate-" + channel.name()).start(() -> startInTime(bound));
        }
    }

    /** Whether something is held, and not for want of a place. */
    private boolean couldStart() {
        return !held.isEmpty() && running.get() < most();
    }

    /** Starts what the rate holds back, one by one as it lets them go. */
    private void startInTime(Pace bound) {
        try {
            while (couldStart()) {
                long nanos = bound.nanosToNext(System.nanoTime());
                LockSupport.parkNanos(Math.clamp(nanos, SHORT_LOOK_NANOS, LOOK_NANOS));
                startHeld();
            }
        } finally {
            waitingForPace.set(false);
        }
    }

    private void start(Delivery delivery) {
        lastStartNanos = System.nanoTime();
        starting.incrementAndGet();
        threads.start(() -> {
            starting.decrementAndGet();
            if (!held.isEmpty()) {
                startHeld();
            }
            run(delivery);
        });
    }

    private void run(Delivery delivery) {
        try {
            handler.handle(delivery);
        } finally {
            running.decrementAndGet();
            startHeld();
            if (!waiting.isEmpty()) {
                waiting.forEach(LockSupport::unpark);
            }
        }
    }

    /** Delivers an event while nothing else runs, and nothing starts. */
    Thread runAlone(Delivery delivery, Runnable then) {
        running.incrementAndGet();
        // It cannot wait, for everybody waits for it; those after it make up for it.
        Pace bound = pace;
        if (bound != null) {
            bound.spend();
        }
        return threads.start(() -> {
            run(delivery);
            then.run();
        });
    }

    /** Starts at once what had to give way to one that was alone. */
    void resume() {
        startHeld();
        waiting.forEach(LockSupport::unpark);
    }

    /** Waits until there may be room for more, but not longer than given. For the threads that pull. */
    void awaitRoom(BooleanSupplier isFull, Duration atMost) {
        Thread current = Thread.currentThread();
        waiting.add(current);
        if (isFull.getAsBoolean()) {
            LockSupport.parkNanos(atMost.toNanos());
        }
        waiting.remove(current);
    }

    /** Takes an event out of the row. False if it does not wait any more. */
    boolean withdraw(Delivery delivery) {
        return held.remove(delivery);
    }

    /** Puts it back, at the end of the row. */
    void back(Delivery delivery) {
        held.add(delivery);
    }

    /** Takes out those of one source. */
    List<Delivery> withdraw(Source source) {
        return held.remove(source);
    }

    /** Takes out the next one, null if there is none. */
    @Nullable
    Delivery withdrawNext() {
        return held.poll();
    }
}
