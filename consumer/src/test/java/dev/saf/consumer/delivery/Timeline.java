package dev.saf.consumer.delivery;

import java.util.PriorityQueue;

/** Virtual time: one thing happens after another, in an order that nothing but the arguments decides. */
final class Timeline {

    private record Entry(long atMillis, long order, Runnable what) implements Comparable<Entry> {

        @Override
        public int compareTo(Entry other) {
            int byTime = Long.compare(atMillis, other.atMillis);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }

    private final PriorityQueue<Entry> entries = new PriorityQueue<>();
    private long nowMillis;
    private long order;

    /** @param beginMillis since 1970 */
    Timeline(long beginMillis) {
        this.nowMillis = beginMillis;
    }

    /** In milliseconds since 1970. */
    long now() {
        return nowMillis;
    }

    void after(long millis, Runnable what) {
        at(nowMillis + millis, what);
    }

    void at(long millis, Runnable what) {
        entries.add(new Entry(Math.max(millis, nowMillis), order++, what));
    }

    /** Lets the next thing happen. False if there is none. */
    boolean next() {
        Entry next = entries.poll();
        if (next == null) {
            return false;
        }
        nowMillis = next.atMillis;
        next.what.run();
        return true;
    }

    /** Lets everything happen that happens in the next milliseconds. */
    void pass(long millis) {
        long until = nowMillis + millis;
        for (Entry next = entries.peek(); next != null && next.atMillis <= until; next = entries.peek()) {
            next();
        }
        nowMillis = until;
    }
}
