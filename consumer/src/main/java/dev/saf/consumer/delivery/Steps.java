package dev.saf.consumer.delivery;

import dev.saf.consumer.ledger.Attempt;
import dev.saf.consumer.ledger.Passage;
import dev.saf.consumer.ledger.Reason;
import java.time.Duration;
import java.time.Instant;

/**
 * In which order a message is worked on: what is to outlast it is stored, seen to be stored, and only then the message
 * is acknowledged; whatever else happens, it is given back. Does none of it, and knows no clock, thread or server: the
 * same code decides when all of them are simulated, and fail at any step.
 */
final class Steps {

    private static final Duration LOOK_UP_AGAIN = Duration.ofSeconds(1);

    /**
     * The shortest pause before a dead letter is tried to be stored again, which means to offer the event again: a full
     * stream must not make the destination suffer.
     */
    private static final Duration KEEP_ASIDE_AGAIN = Duration.ofSeconds(5);

    private final Retry retry;
    private final Failures failures;

    Steps(Retry retry, Failures failures) {
        this.retry = retry;
        this.failures = failures;
    }

    Step first(Source.Kind kind) {
        return kind == Source.Kind.DUE ? Step.LOOK_UP : Step.OFFER;
    }

    /**
     * After it was looked up.
     *
     * @param counts whether the message is the first on its subject
     * @param cancelled whether it says that the event is not wanted any more
     */
    Step lookedUp(boolean counts, boolean cancelled) {
        return counts && !cancelled ? Step.OFFER : Step.ACKNOWLEDGE;
    }

    /** After nobody said whether the message counts. */
    Step notLookedUp() {
        return new Step.GiveBack(LOOK_UP_AGAIN);
    }

    /** After the message turned out to be no event. */
    Step undecodable(Passage carried, long handedOut, String error) {
        return new Step.KeepAside(
                carried.attempts() == 0 ? carried.withAttempts(handedOut) : carried, Reason.UNDECODABLE, error);
    }

    /** After the process died with this event alone, once too often; this time it was not offered. */
    Step.KeepAside convicted(Passage carried, long handedOut, String error) {
        return new Step.KeepAside(carried.withAttempts(carried.attempts() + handedOut - 1), Reason.CRASH_LOOP, error);
    }

    /** While the event waits for its turn, and its stream is about to drop it. */
    Step.KeepAside expiring(Passage carried, long handedOut, String error) {
        return new Step.KeepAside(carried.withAttempts(carried.attempts() + handedOut - 1), Reason.EXPIRING, error);
    }

    /** After the channel took the event. */
    Step taken(Passage carried, long handedOut) {
        if (handedOut > 1) {
            failures.forget(carried);
        }
        return Step.ACKNOWLEDGE;
    }

    /**
     * After the channel did not take the event.
     *
     * @param carried how far the event had come, by what the message carries
     * @param handedOut how often the server has handed out this very message, from 1
     * @param took how long the channel took
     * @param keptUntil until when the stream surely keeps the message, {@link Instant#MAX} for ever
     * @param chance at random, at least 0 and less than 1
     */
    Step notTaken(
            Outcome outcome,
            Passage carried,
            long handedOut,
            Duration took,
            Instant keptUntil,
            Instant now,
            double chance) {
        long attempt = carried.attempts() + handedOut;
        Passage passage = failures.add(carried, new Attempt(attempt, now, took, Outcome.error(outcome)));
        Instant first = passage.firstFailure();
        return switch (Settlement.of(
                outcome,
                new Settlement.Situation(attempt, handedOut, first == null ? now : first, keptUntil, now),
                retry,
                chance)) {
            case Settlement.Delivered() -> Step.ACKNOWLEDGE;
            case Settlement.RetryAfter(Duration pause, String _) -> new Step.GiveBack(pause);
            case Settlement.Park(Instant due, String error) -> new Step.Park(passage, due, error);
            case Settlement.DeadLetter(Reason reason, String error) -> new Step.KeepAside(passage, reason, error);
        };
    }

    /** After the server confirmed that the event is parked. */
    Step parked(Step.Park park) {
        failures.forget(park.passage());
        return Step.ACKNOWLEDGE;
    }

    /**
     * After it did not: refused, or no word from it, so that the event may be parked or not.
     *
     * @param keptUntil until when the stream surely keeps the message; given back for longer than that, it would vanish
     */
    Step notParked(Step.Park park, Instant keptUntil, Instant now) {
        if (!now.isBefore(keptUntil)) {
            return new Step.KeepAside(park.passage(), Reason.EXPIRING, park.error());
        }
        return new Step.GiveBack(Duration.between(now, park.due().isBefore(keptUntil) ? park.due() : keptUntil));
    }

    /** After the server confirmed that the dead letter is stored. */
    Step keptAside(Step.KeepAside aside) {
        failures.forget(aside.passage());
        return Step.ACKNOWLEDGE;
    }

    /** After it did not: refused, or no word from it, so that the dead letter may be stored or not. */
    Step notKeptAside(long handedOut, double chance) {
        Duration pause = retry.pause(handedOut, Duration.ZERO, chance);
        return new Step.GiveBack(pause.compareTo(KEEP_ASIDE_AGAIN) < 0 ? KEEP_ASIDE_AGAIN : pause);
    }
}
