package dev.saf.producer;

import dev.saf.event.Event;
import java.util.function.Consumer;

/** Stores events on the stream. */
@FunctionalInterface
interface EventPublisher {

    /**
     * Begins to store an event. Never blocks and never throws; what became of the event is told later.
     *
     * @param done called exactly once, within the publish budget, on this thread or another; must not block
     */
    void publish(Event event, Consumer<? super PublishResult> done);
}
