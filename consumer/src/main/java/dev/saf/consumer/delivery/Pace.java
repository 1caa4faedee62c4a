package dev.saf.consumer.delivery;

/**
 * So many a second, evenly; and what was not used gathers, up to a bound, so that a few may come at once. Time is
 * given, as {@link System#nanoTime()}.
 */
final class Pace {

    private final double perSecond;
    private final double burst;
    private double gathered = 1;
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

    /** How many may come now. */
    synchronized int room(long nowNanos) {
        long passed = nowNanos - lastNanos;
        if (passed > 0) {
            gathered = Math.min(burst, gathered + passed / 1e9 * perSecond);
            lastNanos = nowNanos;
        }
        return (int) Math.max(0, gathered);
    }

    /** One has come, whether or not there was room: then the next ones wait for longer. */
    synchronized void spend() {
        gathered--;
    }
}
