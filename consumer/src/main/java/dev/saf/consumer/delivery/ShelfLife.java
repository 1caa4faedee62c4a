package dev.saf.consumer.delivery;

import java.time.Duration;
import java.time.Instant;

/**
 * For how long a stream keeps an event, delivered or not.
 *
 * @param maxAge after which it drops it without a word, zero for never
 */
record ShelfLife(Duration maxAge) {

    static final ShelfLife FOR_EVER = new ShelfLife(Duration.ZERO);

    /** The part of it after which an event is not safe on its stream any more. */
    private static final double SAFE = 0.9;

    /** The part of it after which nobody waits for a turn any more. */
    private static final double LAST = 0.95;

    private static final Duration LONGEST_PATIENCE = Duration.ofSeconds(10);
    private static final Duration SHORTEST_PATIENCE = Duration.ofMillis(100);

    /** Until when an event is surely kept, {@link Instant#MAX} for ever. */
    Instant safeUntil(Instant stored) {
        return after(stored, SAFE);
    }

    /**
     * Whether an event that waits has to be kept elsewhere now: a little later if the events before it are on their
     * way, as those of a new channel are that begins with the oldest.
     *
     * @param standing whether nothing has been delivered for as long as {@link #patience} says
     */
    boolean isOver(Instant stored, Instant now, boolean standing) {
        return !now.isBefore(after(stored, standing ? SAFE : LAST));
    }

    /** How long it takes to tell that nothing is on its way. */
    Duration patience() {
        Duration patience = maxAge.dividedBy(100);
        if (maxAge.isZero() || patience.compareTo(LONGEST_PATIENCE) > 0) {
            return LONGEST_PATIENCE;
        }
        return patience.compareTo(SHORTEST_PATIENCE) < 0 ? SHORTEST_PATIENCE : patience;
    }

    private Instant after(Instant stored, double part) {
        return maxAge.isZero() ? Instant.MAX : stored.plusMillis((long) (maxAge.toMillis() * part));
    }
}
