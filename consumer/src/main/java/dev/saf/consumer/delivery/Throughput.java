package dev.saf.consumer.delivery;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;

/** How fast two counters have grown over the last minute, from looks at them. */
final class Throughput {

    private static final long WINDOW_NANOS = Duration.ofMinutes(1).toNanos();
    private static final long STEP_NANOS = Duration.ofSeconds(1).toNanos();

    private record Look(long nanos, double delivered, double failed) {}

    private final Deque<Look> looks = new ArrayDeque<>();

    /** To be called at least every second; nothing happens if the last look is younger. */
    synchronized void look(long nowNanos, double delivered, double failed) {
        Look last = looks.peekLast();
        if (last != null && nowNanos - last.nanos < STEP_NANOS) {
            return;
        }
        looks.addLast(new Look(nowNanos, delivered, failed));
        // One beyond the window stays: to count from.
        while (looks.size() > 2 && nowNanos - second().nanos >= WINDOW_NANOS) {
            var _ = looks.removeFirst();
        }
    }

    private Look second() {
        return looks.stream().skip(1).findFirst().orElseThrow();
    }

    /** As of the last look. */
    synchronized ChannelStatus.Rates perSecond() {
        Look first = looks.peekFirst();
        Look last = looks.peekLast();
        if (first == null || last == null || first.equals(last)) {
            return new ChannelStatus.Rates(0, 0);
        }
        double seconds = (last.nanos - first.nanos) / 1e9;
        return new ChannelStatus.Rates(
                (last.delivered - first.delivered) / seconds, (last.failed - first.failed) / seconds);
    }
}
