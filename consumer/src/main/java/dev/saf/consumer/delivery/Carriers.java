package dev.saf.consumer.delivery;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import jdk.management.VirtualThreadSchedulerMXBean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees to it that virtual threads come to run. A few carriers, one for each processor, run them all; a channel that
 * computes without an end, or blocks in native code, keeps one for itself. When others wait too long for a carrier
 * there are more of them, and as few as usual when none is kept any more.
 */
final class Carriers {

    private static final Logger log = LoggerFactory.getLogger(Carriers.class);
    private static final VirtualThreadSchedulerMXBean SCHEDULER =
            ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class);
    private static final int USUAL = SCHEDULER.getParallelism();

    /** As many as the JDK itself has at most where it knows that carriers block. */
    private static final int MOST = Math.max(256, USUAL);

    private static final long LATE_NANOS = Duration.ofMillis(200).toNanos();
    private static final int LOOKS_TO_EASE = 10;

    private AtomicBoolean scout = new AtomicBoolean(true);
    private long sentNanos;
    private int looks;
    private int leastKept = Integer.MAX_VALUE;

    /** To be called about ten times a second, by a thread that needs no carrier. */
    synchronized void look() {
        long now = System.nanoTime();
        if (scout.get()) {
            ease();
            send(now);
        } else if (now - sentNanos > LATE_NANOS) {
            add();
            sentNanos = now;
        }
    }

    private void send(long now) {
        AtomicBoolean next = new AtomicBoolean();
        scout = next;
        sentNanos = now;
        Thread.ofVirtual().name("saf-scout").start(() -> next.set(true));
    }

    private void add() {
        int before = SCHEDULER.getParallelism();
        // One for each that waits; they may all be of the same kind.
        int after = (int) Math.min(MOST, before + Math.max(1, SCHEDULER.getQueuedVirtualThreadCount()));
        if (after > before) {
            // A new thread, because one whose earlier virtual threads still wait does not wake anybody for the next.
            Thread.ofPlatform().daemon().name("saf-carriers").start(() -> {
                SCHEDULER.setParallelism(after);
                var _ = Thread.startVirtualThread(() -> {});
            });
            log.warn(
                    "virtual threads do not come to run, {} keep their carriers; so there are {} now instead of {}",
                    SCHEDULER.getMountedVirtualThreadCount(),
                    after,
                    before);
        }
        forget();
    }

    /** What is kept all the time may be kept for ever. */
    private void ease() {
        leastKept = Math.min(leastKept, SCHEDULER.getMountedVirtualThreadCount());
        if (++looks < LOOKS_TO_EASE) {
            return;
        }
        int before = SCHEDULER.getParallelism();
        int enough = Math.min(before, USUAL + leastKept);
        if (before > USUAL && enough < before) {
            SCHEDULER.setParallelism(enough);
            log.info("{} carriers of virtual threads are enough again", enough);
        }
        forget();
    }

    private void forget() {
        looks = 0;
        leastKept = Integer.MAX_VALUE;
    }
}
