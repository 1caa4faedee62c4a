package dev.saf.consumer.delivery;

import dev.saf.consumer.ledger.DeadLetters;
import dev.saf.consumer.ledger.Parking;
import dev.saf.consumer.ledger.SharedState;
import dev.saf.consumer.ledger.StoredMessages;
import dev.saf.jetstream.EventTracing;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Supplier;

/**
 * What the deliveries of all channels share.
 *
 * @param maxAge after which the stream {@code events} drops a message, delivered or not; zero for never
 */
public record Surroundings(
        DeadLetters deadLetters,
        Parking parking,
        StoredMessages stored,
        SharedState shared,
        Trials trials,
        EventTracing tracing,
        Supplier<Duration> maxAge) {

    ShelfLife shelfLife() {
        return new ShelfLife(maxAge.get());
    }

    /** Until when an event is surely on its stream, unless it is settled. */
    Instant keptUntil(Delivery delivery) {
        return delivery.source.kind == Source.Kind.DUE
                ? Instant.MAX
                : shelfLife().safeUntil(delivery.position.stored());
    }
}
