package dev.saf.consumer.delivery;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What all processes know of one channel, as it is kept under {@code channel.<name>}. The two causes to stop are apart:
 * to lift one never lifts the other.
 *
 * @param pause set by an operator, null if there is none
 * @param circuit open because the destination fails, null if it is closed
 */
record Agreement(@Nullable Pause pause, @Nullable OpenCircuit circuit) {

    static final Agreement NOTHING = new Agreement(null, null);

    /** An operator wants no deliveries for now. */
    record Pause(Instant since) {}

    /**
     * The destination is left alone but for one process, which tries it from time to time.
     *
     * @param opened when, by the clock of the process that opened it; for people
     * @param owner the process that tries
     * @param number how many times in a row it has been opened
     */
    record OpenCircuit(Instant opened, String owner, int number) {}

    Agreement paused(Pause begun) {
        return pause == null ? new Agreement(begun, circuit) : this;
    }

    Agreement resumed() {
        return new Agreement(null, circuit);
    }

    Agreement with(@Nullable OpenCircuit changed) {
        return new Agreement(pause, changed);
    }
}
