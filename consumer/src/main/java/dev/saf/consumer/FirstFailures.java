package dev.saf.consumer;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/** When the first attempt of an event failed, as far as this process remembers: the server does not. Bounded. */
final class FirstFailures {

    private static final int MAX = 10_000;

    private final Map<Position, Instant> first = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Position, Instant> eldest) {
            return size() > MAX;
        }
    };

    /** The time of the first failure of this event, which is now if none is known. */
    synchronized Instant first(Position position, Instant now) {
        Instant known = first.putIfAbsent(key(position), now);
        return known == null ? now : known;
    }

    synchronized void forget(Position position) {
        first.remove(key(position));
    }

    private static Position key(Position position) {
        return new Position(position.sequence(), 0, position.storedNanos());
    }
}
