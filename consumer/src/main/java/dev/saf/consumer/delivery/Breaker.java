package dev.saf.consumer.delivery;

import java.time.Duration;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * When to leave a destination alone that cannot be reached, and how to come back to it.
 *
 * @param enabled whether to leave it alone at all
 * @param failureRate at which percentage of the last deliveries; only what says that the destination as a whole failed
 *     counts, never a rejection
 * @param minimum how many deliveries it takes to judge
 * @param window how many deliveries are looked back at
 * @param openFor how long it is left alone until one event is tried
 * @param longest what that doubles to at most, each time the one event fails, too
 * @param ramp how long it takes afterwards to get from one delivery at once to all; 0s for no time
 */
public record Breaker(
        @DefaultValue("true") boolean enabled,
        @DefaultValue("70") int failureRate,
        @DefaultValue("20") int minimum,
        @DefaultValue("100") int window,
        @DefaultValue("10s") Duration openFor,
        @DefaultValue("1m") Duration longest,
        @DefaultValue("10s") Duration ramp) {

    private static final int LARGEST_WINDOW = 100_000;
    private static final Duration DAY = Duration.ofDays(1);

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException as {@code key: what is wrong and what is allowed}
     */
    public Breaker {
        between("failure-rate", failureRate, 1, 100);
        between("window", window, 1, LARGEST_WINDOW);
        if (minimum < 1 || minimum > window) {
            throw new IllegalArgumentException(
                    "minimum: must be between 1 and breaker.window (" + window + "), is " + minimum);
        }
        between("open-for", openFor, Duration.ofMillis(10));
        if (longest.compareTo(openFor) < 0 || longest.compareTo(DAY) > 0) {
            throw new IllegalArgumentException("longest: must be between breaker.open-for (" + openFor.toMillis()
                    + "ms) and 1d, is " + longest.toMillis() + "ms");
        }
        between("ramp", ramp, Duration.ZERO);
    }

    /** How long the destination is left alone for the n-th time in a row, from 1. */
    Duration pause(int times) {
        Duration pause = openFor;
        for (int i = 1; i < times && pause.compareTo(longest) < 0; i++) {
            pause = pause.multipliedBy(2);
        }
        return pause.compareTo(longest) < 0 ? pause : longest;
    }

    private static void between(String key, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(
                    "%s: must be between %d and %d, is %d".formatted(key, least, most, value));
        }
    }

    private static void between(String key, Duration value, Duration least) {
        if (value.compareTo(least) < 0 || value.compareTo(DAY) > 0) {
            throw new IllegalArgumentException(
                    "%s: must be between %dms and 1d, is %dms".formatted(key, least.toMillis(), value.toMillis()));
        }
    }
}
