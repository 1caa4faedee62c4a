package dev.saf.consumer.delivery;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How patient to be with a channel that fails: pauses that grow, or a list of them, until so many attempts have been
 * made or so much time has passed. What failed together is not tried again together, because of the jitter.
 *
 * @param attempts how often an event is offered before it becomes a dead letter, at least 1; -1 for no bound; default
 *     10, or one more than the schedule has pauses
 * @param initial the pause after the first failed attempt
 * @param multiplier by how much the pause grows with each further failed attempt, at least 1
 * @param cap what it never grows beyond
 * @param schedule the pauses one by one, instead of the three above; the last one repeats
 * @param jitter by which part a pause may be shorter or longer, at random, 0 to 1
 * @param maxAge how long after its first failure an event is still offered; 0s for no bound
 * @param maxRetryAfter the longest pause that a destination may ask for
 * @param parkAfter pauses longer than this are spent on the stream {@code later}
 */
public record Retry(
        @Nullable Integer attempts,
        @DefaultValue("1s") Duration initial,
        @DefaultValue("4") double multiplier,
        @DefaultValue("6h") Duration cap,
        @DefaultValue List<Duration> schedule,
        @DefaultValue("0.2") double jitter,
        @DefaultValue("0s") Duration maxAge,
        @DefaultValue("1h") Duration maxRetryAfter,
        @DefaultValue("30s") Duration parkAfter) {

    private static final int DEFAULT_ATTEMPTS = 10;
    private static final Duration LONGEST = Duration.ofDays(30);

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException as {@code key: what is wrong and what is allowed}
     */
    public Retry {
        schedule = List.copyOf(schedule);
        if (attempts != null && attempts < 1 && attempts != -1) {
            throw new IllegalArgumentException("attempts: must be at least 1, or -1 for no bound, is " + attempts);
        }
        require("initial", initial, Duration.ofMillis(1));
        // Written so that NaN is refused, too.
        if (!(multiplier >= 1 && multiplier <= 100)) {
            throw new IllegalArgumentException("multiplier: must be between 1 and 100, is " + multiplier);
        }
        if (cap.compareTo(initial) < 0 || cap.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "cap: must be between retry.initial (" + text(initial) + ") and 30d, is " + text(cap));
        }
        schedule.forEach(pause -> require("schedule", pause, Duration.ofMillis(1)));
        if (!(jitter >= 0 && jitter <= 1)) {
            throw new IllegalArgumentException("jitter: must be between 0 and 1, is " + jitter);
        }
        if (maxAge.isNegative()) {
            throw new IllegalArgumentException("max-age: must not be negative; 0s for no bound");
        }
        if (attempts != null && attempts == -1 && maxAge.isZero()) {
            throw new IllegalArgumentException("attempts: must not be -1 without max-age, for then an event that no"
                    + " destination takes would be offered for ever; set max-age, or attempts");
        }
        require("max-retry-after", maxRetryAfter, Duration.ZERO);
        require("park-after", parkAfter, Duration.ZERO);
    }

    /**
     * The pause after a failed attempt.
     *
     * @param attempt the number of the failed attempt, from 1
     * @param notBefore how long the destination asked to be left alone; the pause is at least that, within bounds
     * @param chance at random, at least 0 and less than 1
     * @return at least a millisecond
     */
    Duration pause(long attempt, Duration notBefore, double chance) {
        double millis = schedule.isEmpty()
                ? Math.min((double) cap.toMillis(), initial.toMillis() * Math.pow(multiplier, attempt - 1.0))
                : schedule.get((int) Math.min(schedule.size(), attempt) - 1).toMillis();
        Duration own = Duration.ofMillis(Math.max(1, (long) (millis * (1 - jitter + 2 * jitter * chance))));
        Duration asked = notBefore.compareTo(maxRetryAfter) > 0 ? maxRetryAfter : notBefore;
        return own.compareTo(asked) < 0 ? asked : own;
    }

    /** Whether there is to be no further attempt, which would be due at this time. */
    boolean isOver(long attempt, Instant firstFailure, Instant due) {
        long most = attempts != null ? attempts : schedule.isEmpty() ? DEFAULT_ATTEMPTS : schedule.size() + 1;
        return (most > 0 && attempt >= most) || (maxAge.isPositive() && due.isAfter(firstFailure.plus(maxAge)));
    }

    private static void require(String key, Duration value, Duration least) {
        if (value.compareTo(least) < 0 || value.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "%s: must be between %s and 30d, is %s".formatted(key, text(least), text(value)));
        }
    }

    private static String text(Duration duration) {
        return duration.toMillis() + "ms";
    }
}
