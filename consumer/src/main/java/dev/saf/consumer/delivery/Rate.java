package dev.saf.consumer.delivery;

import org.jspecify.annotations.Nullable;

/**
 * How fast a channel may be called, in each process: all attempts count, whatever becomes of them.
 *
 * @param limit how many calls may begin in a second, on average; default: no bound
 * @param burst how many may begin at once after a time with fewer; default: those of one second, at least one
 */
public record Rate(@Nullable Double limit, @Nullable Integer burst) {

    private static final double LEAST = 0.001;
    private static final int MOST = 1_000_000;

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException as {@code key: what is wrong and what is allowed}
     */
    public Rate {
        // Written so that NaN is refused, too.
        if (limit != null && !(limit >= LEAST && limit <= MOST)) {
            throw new IllegalArgumentException(
                    "limit: must be between 0.001 and " + MOST + " events a second, is " + limit);
        }
        if (burst != null && (burst < 1 || burst > MOST)) {
            throw new IllegalArgumentException("burst: must be between 1 and " + MOST + ", is " + burst);
        }
        if (burst != null && limit == null) {
            throw new IllegalArgumentException(
                    "burst: belongs to rate.limit, which is missing; without it there is no bound at all");
        }
    }

    /** To be asked before each call, null if there is no bound. */
    @Nullable
    Pace pace(long nowNanos) {
        return limit == null ? null : new Pace(limit, burst == null ? Math.max(1, limit) : burst, nowNanos);
    }
}
