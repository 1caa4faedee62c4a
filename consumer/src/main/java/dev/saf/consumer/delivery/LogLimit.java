package dev.saf.consumer.delivery;

import java.time.Duration;

/** Keeps an outage from filling the disk with log lines: so many in so much time, and a count of the rest. */
final class LogLimit {

    private final int most;
    private final long periodNanos;
    private long periodStart;
    private int used;
    private long unsaid;

    LogLimit(int most, Duration period) {
        this.most = most;
        this.periodNanos = period.toNanos();
    }

    /** How many lines have gone unsaid since the last one, −1 if this one must, too. */
    synchronized long allow(long nowNanos) {
        if (used == 0 || nowNanos - periodStart > periodNanos) {
            periodStart = nowNanos;
            used = 0;
        }
        if (used >= most) {
            unsaid++;
            return -1;
        }
        used++;
        long before = unsaid;
        unsaid = 0;
        return before;
    }
}
