package dev.saf.consumer.delivery;

import dev.saf.consumer.ledger.Passage;
import dev.saf.consumer.ledger.Reason;
import java.time.Duration;
import java.time.Instant;

/** What is to be done next with a message; {@link Steps} says what follows from how it went. */
sealed interface Step {

    Step LOOK_UP = new LookUp();
    Step OFFER = new Offer();
    Step ACKNOWLEDGE = new Acknowledge();

    /** To ask which message counts among those on a due message's subject. */
    record LookUp() implements Step {}

    /** To offer the event to the channel. */
    record Offer() implements Step {}

    /** To store the event on {@code later}. */
    record Park(Passage passage, Instant due, String error) implements Step {}

    /** To store the event on {@code dead-letters}. */
    record KeepAside(Passage passage, Reason reason, String error) implements Step {}

    /** To tell the server that the message is settled, until it confirms it: the last step. */
    record Acknowledge() implements Step {}

    /** To leave the message with the server, which hands it out again after the pause: the last step. */
    record GiveBack(Duration pause) implements Step {}
}
