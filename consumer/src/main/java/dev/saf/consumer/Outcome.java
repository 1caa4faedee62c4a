package dev.saf.consumer;

/** How it went to offer an event to a channel. */
sealed interface Outcome {

    /** The destination has the event. */
    record Taken() implements Outcome {}

    /** The destination will never take the event. */
    record Rejected(String reason) implements Outcome {}

    /** The destination does not have the event, as far as is known. */
    record Failed(String error) implements Outcome {}
}
