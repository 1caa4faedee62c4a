package dev.saf.consumer;

import java.time.Duration;
import java.util.Locale;

/** How one delivery ends. */
sealed interface Settlement {

    /** The destination has the event. */
    record Delivered() implements Settlement {}

    /** The event is offered again later. */
    record RetryAfter(Duration pause, String error) implements Settlement {}

    /** The event is kept aside, and not offered any more. */
    record DeadLetter(Reason reason, String error) implements Settlement {}

    /** Why an event became a dead letter. */
    enum Reason {
        /** The message is no event. */
        UNDECODABLE,
        /** The channel said never. */
        REJECTED,
        /** Every attempt failed. */
        GAVE_UP;

        /** As in headers and metrics. */
        String tag() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /**
     * Decides. Depends on nothing but its arguments.
     *
     * @param attempt the number of this attempt, from 1
     * @param chance at random, at least 0 and less than 1
     */
    static Settlement of(Outcome outcome, long attempt, Retry retry, double chance) {
        return switch (outcome) {
            case Outcome.Taken() -> new Delivered();
            case Outcome.Rejected(String reason) -> new DeadLetter(Reason.REJECTED, reason);
            case Outcome.Failed(String error) ->
                attempt < retry.attempts()
                        ? new RetryAfter(retry.pause(attempt, chance), error)
                        : new DeadLetter(Reason.GAVE_UP, error);
        };
    }
}
