package dev.saf.consumer.delivery;

import java.time.Duration;

/**
 * So many a second, evenly; and what was not used gathers, up to a bound, so that a few may come at once. Time is
 * given, as {@link System#nanoTime()}.
 *
 * <p>Not resilience4j's, which hands out whole numbers at the beginning of each period, so that around that moment
 * twice as many may come, and which cannot be slowed down for a while.
 */
final class Pace {

    private static final double SECOND = 1e9;

    private final double perSecond;
    private final double burst;
    private double gathered = 1;
    private double share = 1;
    private long lastNanos;

    /**
     * Begins with one.
     *
     * @param perSecond more than 0
     * @param burst how many may gather, at least 1
     */
    Pace(double perSecond, double burst, long nowNanos) {
        if (!(perSecond > 0 && burst >= 1)) {
            throw new IllegalArgumentException("a pace has more than 0 a second, is %s, and gathers at least 1, is %s"
                    .formatted(perSecond, burst));
        }
        this.perSecond = perSecond;
        this.burst = burst;
        this.lastNanos = nowNanos;
    }

    /**
     * From now on only a part of it.
     *
     * @param share from 0 to 1; at 0 nothing gathers and there is room for all, for then others decide what comes
     */
    synchronized void slowTo(double share, long nowNanos) {
        gather(nowNanos);
        this.share = share;
        gathered = Math.min(gathered, most());
    }

    /** How many may come now. */
    int room(long nowNanos) {
        return room(nowNanos, Duration.ZERO);
    }

    /** How many may come now and within some time. */
    synchronized int room(long nowNanos, Duration ahead) {
        gather(nowNanos);
        return share <= 0
                ? Integer.MAX_VALUE
                : (int) Math.max(0, gathered + ahead.toNanos() / SECOND * perSecond * share);
    }

    /** One has come, whether or not there was room: then the next ones wait for longer. */
    synchronized void spend() {
        gathered--;
    }

    /** Lets one come if there is room. */
    synchronized boolean take(long nowNanos) {
        gather(nowNanos);
        if (share <= 0) {
            return true;
        }
        if (gathered < 1) {
            return false;
        }
        gathered--;
        return true;
    }

    /** How long it takes until there is room for one, at least 0. */
    synchronized long nanosToNext(long nowNanos) {
        gather(nowNanos);
        return share <= 0 || gathered >= 1 ? 0 : (long) Math.ceil((1 - gathered) / (perSecond * share) * SECOND);
    }

    private void gather(long nowNanos) {
        long passed = nowNanos - lastNanos;
        if (passed > 0) {
            gathered = Math.min(most(), gathered + passed / SECOND * perSecond * share);
            lastNanos = nowNanos;
        }
    }

    private double most() {
        return share <= 0 ? 0 : Math.max(1, burst * share);
    }
}
