package dev.saf.consumer.delivery;

import java.time.Duration;

/** How it went to offer an event to a channel. */
sealed interface Outcome {

    /** The destination has the event. */
    record Taken() implements Outcome {}

    /** The destination will never take the event. */
    record Rejected(String reason) implements Outcome {}

    /**
     * The destination does not have the event, as far as is known.
     *
     * @param unreachable whether it was the destination that failed, and not only this event
     * @param notBefore how long it asked to be left alone, zero if it did not
     */
    record Failed(String error, boolean unreachable, Duration notBefore) implements Outcome {

        /** A failure that says nothing about other events. */
        static Failed ofEvent(String error) {
            return new Failed(error, false, Duration.ZERO);
        }

        /** A failure that other events would meet, too. */
        static Failed ofDestination(String error) {
            return new Failed(error, true, Duration.ZERO);
        }
    }

    /** What the channel said when it did not take the event, empty if it did. */
    static String error(Outcome outcome) {
        return switch (outcome) {
            case Taken() -> "";
            case Rejected(String reason) -> reason;
            case Failed failed -> failed.error();
        };
    }
}
