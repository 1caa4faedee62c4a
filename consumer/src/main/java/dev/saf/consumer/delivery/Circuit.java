package dev.saf.consumer.delivery;

import dev.saf.consumer.delivery.Agreement.OpenCircuit;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowSynchronizationStrategy;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Leaves a destination alone that cannot be reached: open, nothing is delivered; after a while half-open, one event is
 * tried; closed, all flows again, at first slowly. The window of outcomes and the verdict on it are resilience4j's;
 * when to try, and who, are decided here, because all processes have one circuit between them.
 *
 * <p>Whoever opens it owns it: only the owner tries, and keeps saying that it is there. The others follow what is
 * shared, and one of them takes over when the owner has not been heard of for a while, by its own measure of time.
 */
final class Circuit implements Restraint {

    /** How the circuit is, as seen from here. */
    enum State {
        CLOSED,
        OPEN,
        HALF_OPEN,
        /** Another process owns it. */
        ELSEWHERE
    }

    /** What is to be shared: the circuit, null for a closed one. */
    record News(@Nullable OpenCircuit circuit) {}

    private static final Logger log = LoggerFactory.getLogger(Circuit.class);
    private static final long RENEWAL_NANOS = Duration.ofSeconds(3).toNanos();
    private static final long PATIENCE_NANOS = Duration.ofSeconds(10).toNanos();

    /**
     * From one change to the next.
     *
     * @param number tells it from all before: what began in one and ends in another says nothing
     * @param ramps whether the circuit was open before
     */
    private record Phase(State state, long number, long sinceNanos, boolean ramps) {}

    /** A revision of what the owner says, and when it was first seen. */
    private record Sight(long revision, long nanos) {}

    private final String channel;
    private final ChannelSettings settings;
    private final Breaker breaker;
    private final String self;
    private final LongSupplier nanoTime;
    private final CircuitBreaker judge;
    private volatile Phase phase;
    private volatile boolean news;

    /** What is or was known of the open circuit, null while it is closed. */
    private volatile @Nullable OpenCircuit open;

    private boolean shared;
    private long sharedNanos;
    private @Nullable Sight owner;

    /** @param self tells this process from others */
    Circuit(String channel, ChannelSettings settings, String self, LongSupplier nanoTime) {
        this.channel = channel;
        this.settings = settings;
        this.breaker = settings.breaker();
        this.self = self;
        this.nanoTime = nanoTime;
        this.judge = CircuitBreaker.of(
                channel,
                CircuitBreakerConfig.custom()
                        .slidingWindow(
                                breaker.window(),
                                breaker.minimum(),
                                SlidingWindowType.COUNT_BASED,
                                SlidingWindowSynchronizationStrategy.LOCK_FREE)
                        .failureRateThreshold(breaker.failureRate())
                        .permittedNumberOfCallsInHalfOpenState(1)
                        .recordResult(outcome -> outcome instanceof Outcome.Failed)
                        .writableStackTraceEnabled(false)
                        .build());
        this.phase = new Phase(State.CLOSED, 0, nanoTime.getAsLong(), false);
    }

    State state() {
        return phase.state;
    }

    /** As a number for graphs: 0 closed, 1 open, in between half-open. */
    double degree() {
        return switch (phase.state) {
            case CLOSED -> 0;
            case HALF_OPEN -> 0.5;
            case OPEN, ELSEWHERE -> 1;
        };
    }

    /** Since when it has been open, by the clock of whoever opened it; null while it is closed. */
    @Nullable
    Instant openSince() {
        OpenCircuit last = open;
        return last == null ? null : last.opened();
    }

    @Override
    public int limit() {
        return switch (phase.state) {
            case CLOSED -> {
                double share = share();
                yield share >= 1 ? Integer.MAX_VALUE : 1 + (int) (share * (settings.concurrency() - 1));
            }
            case HALF_OPEN -> 1;
            case OPEN, ELSEWHERE -> 0;
        };
    }

    /** Which part of its full speed the channel may have, from 0 to 1: less than all for a while after it closed. */
    double share() {
        Phase now = phase;
        if (now.state != State.CLOSED) {
            return 0;
        }
        return now.ramps && breaker.ramp().isPositive()
                ? Math.min(
                        1,
                        (double) (nanoTime.getAsLong() - now.sinceNanos)
                                / breaker.ramp().toNanos())
                : 1;
    }

    /** To be given back with the outcome of a delivery that begins now. */
    long phase() {
        return phase.number;
    }

    /** How a delivery went that began in this phase. */
    void tell(Outcome outcome, long began) {
        Phase now = phase;
        if (!breaker.enabled()
                || began != now.number
                || (now.state != State.CLOSED && now.state != State.HALF_OPEN)
                || (outcome instanceof Outcome.Failed failed && !failed.unreachable())) {
            return;
        }
        judge.onResult(0, TimeUnit.NANOSECONDS, outcome);
        switch (judge.getState()) {
            case CLOSED -> {
                if (now.state == State.HALF_OPEN) {
                    close(now);
                }
            }
            case OPEN -> open(now, Outcome.error(outcome));
            default -> {}
        }
    }

    private synchronized void close(Phase before) {
        if (before.number == phase.number) {
            close("the destination has answered");
        }
    }

    private synchronized void open(Phase before, String error) {
        if (before.number != phase.number) {
            return;
        }
        OpenCircuit last = open;
        OpenCircuit next = last == null
                ? new OpenCircuit(Instant.now().truncatedTo(ChronoUnit.MILLIS), self, 1)
                : new OpenCircuit(last.opened(), self, last.number() + 1);
        open = next;
        is(State.OPEN);
        news = true;
        log.warn(
                "channel {}: circuit {}, one event is tried in {}ms: {}",
                channel,
                last == null
                        ? "open, at least %d%% of the last deliveries did not reach the destination"
                                .formatted(breaker.failureRate())
                        : "open again, the destination still cannot be reached",
                breaker.pause(next.number()).toMillis(),
                error);
    }

    private void close(String why) {
        open = null;
        owner = null;
        judge.reset();
        phase = new Phase(State.CLOSED, phase.number + 1, nanoTime.getAsLong(), true);
        news = true;
        log.info("channel {}: circuit closed, {}", channel, why);
    }

    private void is(State state) {
        phase = new Phase(state, phase.number + 1, nanoTime.getAsLong(), false);
    }

    /** Goes on to try an event, if it is time. To be called often. */
    synchronized void tick() {
        OpenCircuit last = open;
        if (phase.state == State.OPEN
                && last != null
                && nanoTime.getAsLong() - phase.sinceNanos
                        >= breaker.pause(last.number()).toNanos()) {
            judge.transitionToHalfOpenState();
            is(State.HALF_OPEN);
            log.info("channel {}: circuit half-open, one event is tried", channel);
        }
    }

    /** Whether there is something that the others do not know. */
    boolean hasNews() {
        return news;
    }

    /**
     * Learns what is shared.
     *
     * @param revision grows with each change
     * @return what is to be shared instead, null if nothing is
     */
    synchronized @Nullable News meet(@Nullable OpenCircuit found, long revision) {
        if (!breaker.enabled()) {
            return null;
        }
        news = false;
        if (found == null) {
            return nobodyHasIt();
        }
        boolean mine = found.owner().equals(self);
        return switch (phase.state) {
            case CLOSED -> mine ? new News(null) : follow(found, revision);
            case OPEN, HALF_OPEN -> mine ? renew(found) : follow(found, revision);
            case ELSEWHERE -> mine ? new News(found) : watch(found, revision);
        };
    }

    private @Nullable News nobodyHasIt() {
        if (phase.state == State.CLOSED) {
            shared = false;
            return null;
        }
        if (phase.state != State.ELSEWHERE && !shared) {
            return new News(open);
        }
        close(phase.state == State.ELSEWHERE ? "another process has found" : "somebody else says");
        news = false;
        shared = false;
        return null;
    }

    private @Nullable News follow(OpenCircuit found, long revision) {
        log.warn("channel {}: circuit open, another process says, and tries", channel);
        judge.reset();
        shared = false;
        open = found;
        owner = new Sight(revision, nanoTime.getAsLong());
        is(State.ELSEWHERE);
        return null;
    }

    private @Nullable News renew(OpenCircuit found) {
        return Objects.equals(found, open) && nanoTime.getAsLong() - sharedNanos < RENEWAL_NANOS
                ? null
                : new News(open);
    }

    private @Nullable News watch(OpenCircuit found, long revision) {
        open = found;
        Sight seen = owner;
        if (seen == null || seen.revision != revision) {
            owner = new Sight(revision, nanoTime.getAsLong());
            return null;
        }
        return nanoTime.getAsLong() - seen.nanos < PATIENCE_NANOS
                ? null
                : new News(new OpenCircuit(found.opened(), self, found.number()));
    }

    /** What was to be shared is shared now. */
    synchronized void told(News told) {
        OpenCircuit circuit = told.circuit;
        shared = circuit != null;
        sharedNanos = nanoTime.getAsLong();
        if (circuit != null && phase.state == State.ELSEWHERE) {
            open = circuit;
            owner = null;
            judge.transitionToOpenState();
            judge.transitionToHalfOpenState();
            is(State.HALF_OPEN);
            log.warn(
                    "channel {}: circuit half-open, nothing is heard of who tried so far; one event is tried", channel);
        }
    }
}
