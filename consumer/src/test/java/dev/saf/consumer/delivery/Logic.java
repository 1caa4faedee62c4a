package dev.saf.consumer.delivery;

import dev.saf.consumer.ledger.DeadLetters;
import dev.saf.consumer.ledger.Parking;
import dev.saf.consumer.ledger.Passage;
import dev.saf.consumer.ledger.Publication;
import io.nats.client.Message;
import java.time.Duration;
import java.time.Instant;

/** What a simulated process decides with: the real thing, where nothing is overridden to seed a bug. */
interface Logic {

    Steps steps();

    default Step first(Source.Kind kind) {
        return steps().first(kind);
    }

    default Step lookedUp(boolean counts, boolean cancelled) {
        return steps().lookedUp(counts, cancelled);
    }

    default Step notLookedUp() {
        return steps().notLookedUp();
    }

    default Step undecodable(Passage carried, long handedOut, String error) {
        return steps().undecodable(carried, handedOut, error);
    }

    default Step taken(Passage carried, long handedOut) {
        return steps().taken(carried, handedOut);
    }

    default Step notTaken(
            Outcome outcome,
            Passage carried,
            long handedOut,
            Duration took,
            Instant keptUntil,
            Instant now,
            double chance) {
        return steps().notTaken(outcome, carried, handedOut, took, keptUntil, now, chance);
    }

    default Step parked(Step.Park park) {
        return steps().parked(park);
    }

    default Step notParked(Step.Park park, Instant keptUntil, Instant now) {
        return steps().notParked(park, keptUntil, now);
    }

    default Step keptAside(Step.KeepAside aside) {
        return steps().keptAside(aside);
    }

    default Step notKeptAside(long handedOut, double chance) {
        return steps().notKeptAside(handedOut, chance);
    }

    /** What is stored to park a message's event. */
    default Publication parked(Step.Park park, Message message) {
        return Parking.parked(park.passage(), message.getHeaders(), park.due());
    }

    /** What is stored to keep a message's event aside. */
    default Publication letter(Step.KeepAside aside, Message message, Instant now) {
        return DeadLetters.letter(aside.passage(), message.getHeaders(), aside.reason(), aside.error(), now);
    }

    /** Whether the message is acknowledged before the step is done, which is never right. */
    default boolean isAcknowledgedBefore(Step step) {
        return false;
    }

    /** Whether an event for which there is no place is acknowledged and forgotten, which is never right. */
    default boolean dropsWhenBusy() {
        return false;
    }
}
