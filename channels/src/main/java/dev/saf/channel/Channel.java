package dev.saf.channel;

import dev.saf.event.Event;

/** A destination for events. */
@FunctionalInterface
public interface Channel extends AutoCloseable {

    /**
     * Hands over one event. Returning means the destination has it; throwing means it does not, and the event will come
     * back later. Calls arrive concurrently on virtual threads, which may block, and more than once for the same event.
     * A call that takes longer than the channel's time-out is interrupted. While calls compute, or block in native
     * code, on as many processors as there are, no more are made.
     *
     * @param event carries the trace context of this very delivery, to be passed on to the destination
     * @throws RejectedEventException if delivering this event again cannot help
     * @throws RetryAfterException if the destination says when to come back
     * @throws java.io.IOException if the destination cannot be reached, or fails whatever the event: so many of these
     *     open the channel's circuit breaker, while anything else that is thrown is this event's own affair
     */
    void deliver(Event event) throws Exception;

    /**
     * Tries to reach the destination, as far as that is possible without giving it an event. Called by a service that
     * is checked instead of run, before any delivery, and may block; a call that takes too long is interrupted.
     *
     * @throws java.io.IOException with the reason for the people who wrote the settings, and no secret in it, if the
     *     destination cannot be reached
     */
    default void check() throws Exception {}

    /** Called once, after the last delivery has returned. */
    @Override
    default void close() {}
}
