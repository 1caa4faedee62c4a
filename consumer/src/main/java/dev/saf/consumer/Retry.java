package dev.saf.consumer;

import java.time.Duration;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How patient to be with a channel that fails: exponential backoff with full jitter, so that what failed together is
 * not tried again together.
 *
 * @param attempts how often an event is offered before it becomes a dead letter, at least 1
 * @param initial the longest pause after the first failed attempt
 * @param multiplier by how much the longest pause grows with each further failed attempt, at least 1
 * @param cap what it never grows beyond
 */
record Retry(
        @DefaultValue("10") int attempts,
        @DefaultValue("1s") Duration initial,
        @DefaultValue("2") double multiplier,
        @DefaultValue("5m") Duration cap) {

    private static final Duration LONGEST = Duration.ofHours(24);

    Retry {
        if (attempts < 1) {
            throw new IllegalArgumentException("attempts: must be at least 1, is " + attempts);
        }
        if (initial.compareTo(Duration.ofMillis(1)) < 0 || initial.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException("initial: must be between 1ms and 24h, is " + text(initial));
        }
        // Written so that NaN is refused, too.
        if (!(multiplier >= 1 && multiplier <= 100)) {
            throw new IllegalArgumentException("multiplier: must be between 1 and 100, is " + multiplier);
        }
        if (cap.compareTo(initial) < 0 || cap.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "cap: must be between retry.initial (" + text(initial) + ") and 24h, is " + text(cap));
        }
    }

    /**
     * The pause after a failed attempt.
     *
     * @param attempt the number of the failed attempt, from 1
     * @param chance at random, at least 0 and less than 1
     * @return at least a millisecond
     */
    Duration pause(long attempt, double chance) {
        double longest = Math.min((double) cap.toMillis(), initial.toMillis() * Math.pow(multiplier, attempt - 1.0));
        return Duration.ofMillis(Math.max(1, (long) (longest * chance)));
    }

    private static String text(Duration duration) {
        return duration.toMillis() + "ms";
    }
}
