package dev.saf.consumer.delivery;

import dev.saf.consumer.ledger.Reason;
import java.time.Duration;
import java.time.Instant;

/** How one delivery ends. */
sealed interface Settlement {

    /** The destination has the event. */
    record Delivered() implements Settlement {}

    /** The event stays where it is, and the server hands it out again after a pause. */
    record RetryAfter(Duration pause, String error) implements Settlement {}

    /** The event waits elsewhere until it is due, and takes no place here. */
    record Park(Instant due, String error) implements Settlement {}

    /** The event is kept aside, and not offered any more. */
    record DeadLetter(Reason reason, String error) implements Settlement {}

    /**
     * What decides, beside the outcome.
     *
     * @param attempt the number of this attempt, from 1
     * @param handedOut how often the server has handed out this very message, from 1
     * @param firstFailure when the first attempt failed, which may be now
     * @param keptUntil until when the stream surely keeps the message, {@link Instant#MAX} for ever
     */
    record Situation(long attempt, long handedOut, Instant firstFailure, Instant keptUntil, Instant now) {}

    /**
     * So often the server may hand out one message for attempts that fail; then it is parked, which begins a new count.
     * Whatever has been handed out more often than that was not ended by those who got it.
     */
    int MAX_HANDED_OUT = 3;

    /**
     * Decides. Depends on nothing but its arguments.
     *
     * @param chance at random, at least 0 and less than 1
     */
    static Settlement of(Outcome outcome, Situation situation, Retry retry, double chance) {
        return switch (outcome) {
            case Outcome.Taken() -> new Delivered();
            case Outcome.Rejected(String reason) -> new DeadLetter(Reason.REJECTED, reason);
            case Outcome.Failed failed -> again(failed, situation, retry, chance);
        };
    }

    private static Settlement again(Outcome.Failed failed, Situation situation, Retry retry, double chance) {
        Duration pause = retry.pause(situation.attempt, failed.notBefore(), chance);
        Instant due = situation.now.plus(pause);
        if (retry.isOver(situation.attempt, situation.firstFailure, due)) {
            return new DeadLetter(Reason.GAVE_UP, failed.error());
        }
        boolean stays = pause.compareTo(retry.parkAfter()) <= 0
                && situation.handedOut < MAX_HANDED_OUT
                && due.isBefore(situation.keptUntil);
        return stays ? new RetryAfter(pause, failed.error()) : new Park(due, failed.error());
    }
}
