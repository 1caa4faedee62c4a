package dev.saf.consumer.delivery;

import java.time.Duration;
import java.util.Collection;

/**
 * Keeps count of what one durable hands out, so that it shows when something went to somebody else, or got lost. For
 * one thread at a time.
 */
final class Tally {

    private static final long TRICKLE_NANOS = Duration.ofMillis(250).toNanos();
    private static final long ODD_NANOS = Duration.ofSeconds(3).toNanos();

    private final Source source;
    private long last = -1;
    private int gaps;
    private boolean repeats;
    private long oddSinceNanos;

    Tally(Source source) {
        this.source = source;
    }

    /** What has come and is not settled. */
    Collection<Delivery> open() {
        return source.open.values();
    }

    /** The number of the last message that has come, by the server's count of what it hands out; −1 before. */
    long last() {
        return last;
    }

    /** How often a message was missing before the one that came. */
    int gaps() {
        return gaps;
    }

    /**
     * A message has come.
     *
     * @param number its own
     * @param again whether it had come before, to this process or another one
     * @return whether it follows the last one without a gap
     */
    boolean arrived(long number, boolean again) {
        boolean follows = number == last + 1;
        if (!follows) {
            gaps++;
        }
        last = number;
        repeats = again;
        return follows;
    }

    /** Whether one more may come though there is a reason to take none; there is no hurry unless more are repeated. */
    boolean mayTrickle(long nowNanos) {
        return repeats || nowNanos - source.lastArrivalNanos > TRICKLE_NANOS;
    }

    /**
     * Whether these are all that the durable has handed out and that are not settled.
     *
     * @param held how many are here
     * @param lastBefore the last number when they were counted, before the server was asked
     * @param unsettled how many are not settled, by what the server says
     * @param handedOut the last number, by what the server says
     */
    boolean isAll(int held, long lastBefore, long unsettled, long handedOut) {
        if (held != unsettled) {
            return false;
        }
        if (held == 0 && last == lastBefore) {
            // What others have had is settled.
            last = handedOut;
            return true;
        }
        return lastBefore == handedOut;
    }

    /**
     * Whether these are for some time more than there should be, or as many but not the last that were handed out:
     * which ends only by giving them back, so that they come again.
     */
    boolean areOdd(int held, long unsettled, long nowNanos) {
        if (held == 0 || held < unsettled) {
            oddSinceNanos = 0;
            return false;
        }
        if (oddSinceNanos == 0) {
            oddSinceNanos = nowNanos;
        }
        boolean odd = nowNanos - oddSinceNanos > ODD_NANOS;
        if (odd) {
            oddSinceNanos = 0;
        }
        return odd;
    }

    /** That they are all; nothing is odd about them. */
    void areFine() {
        oddSinceNanos = 0;
    }
}
