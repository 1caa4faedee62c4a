package dev.saf.consumer.operations;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * How a job stands.
 *
 * @param ended null while it is running
 * @param problem why it failed, as a sentence; null if it did not
 * @param cleared whether nothing is left of it but this
 */
record Standing(
        State state,
        Instant begun,
        @Nullable Instant ended,
        @Nullable String problem,
        boolean cleared) {

    /** What may be said of a job. */
    enum State {
        RUNNING,
        DONE,
        CANCELLED,
        /** It cannot be brought to its end. */
        FAILED;

        String tag() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static Standing begun(Instant now) {
        return new Standing(State.RUNNING, now.truncatedTo(ChronoUnit.MILLIS), null, null, false);
    }

    Standing ended(State how, Instant now) {
        return new Standing(how, begun, now.truncatedTo(ChronoUnit.MILLIS), null, false);
    }

    Standing failed(String why, Instant now) {
        return new Standing(State.FAILED, begun, now.truncatedTo(ChronoUnit.MILLIS), why, false);
    }

    Standing nothingLeft() {
        return new Standing(state, begun, ended, problem, true);
    }

    boolean isRunning() {
        return state == State.RUNNING;
    }
}
