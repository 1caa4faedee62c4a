package dev.saf.channel;

/** The destination will never take this event, however often it is offered: a dead letter. */
public final class RejectedEventException extends Exception {

    /**
     * Rejects an event.
     *
     * @param reason why, for the people who will look at the dead letter
     */
    public RejectedEventException(String reason) {
        super(reason);
    }
}
