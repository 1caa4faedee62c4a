package dev.saf.consumer.delivery;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Remembers which events this process gave back after an attempt though they had been handed out so often already, so
 * that none of them is suspected of having killed somebody when it comes again. Bounded.
 */
final class GivenBack {

    private static final int MAX = 50_000;

    private final Map<Long, Position> last = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Position> eldest) {
            return size() > MAX;
        }
    };

    /** @param position as it was when the event was given back */
    void add(Position position) {
        if (position.deliveries() >= Settlement.MAX_HANDED_OUT) {
            synchronized (this) {
                last.put(position.sequence(), position);
            }
        }
    }

    /** Whether it was this process, and in good order, that ended the delivery before this one. */
    synchronized boolean wasBefore(Position position) {
        Position before = last.get(position.sequence());
        return before != null
                && before.storedNanos() == position.storedNanos()
                && before.deliveries() + 1 == position.deliveries();
    }
}
