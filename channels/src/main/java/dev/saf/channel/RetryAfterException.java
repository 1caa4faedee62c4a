package dev.saf.channel;

import java.io.IOException;
import java.time.Duration;

/** The destination does not take this event now, and says when to come back. */
public final class RetryAfterException extends IOException {

    private final Duration pause;

    /**
     * Asks for a pause.
     *
     * @param pause how long to leave the destination alone; honoured within the channel's bounds, and never shorter
     *     than its own pause
     * @param reason why, for people
     */
    public RetryAfterException(Duration pause, String reason) {
        super(reason);
        this.pause = pause.isNegative() ? Duration.ZERO : pause;
    }

    /** How long to leave the destination alone. */
    public Duration pause() {
        return pause;
    }
}
