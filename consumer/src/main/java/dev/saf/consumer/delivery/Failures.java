package dev.saf.consumer.delivery;

import dev.saf.consumer.ledger.Attempt;
import dev.saf.consumer.ledger.Passage;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What this process remembers of events that failed and that the server will hand out again, because the server
 * remembers only their number. Bounded; what is parked or dead carries its own memory.
 */
final class Failures {

    private static final int MAX = 10_000;

    /**
     * With the parkings: if nobody heard that an event was parked, the message that was to be parked and the parked one
     * both go their ways.
     */
    private record Key(long sequence, String life, long parkings) {}

    private final Map<Key, Passage> known = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Passage> eldest) {
            return size() > MAX;
        }
    };

    /** What is known of this event's way, which is at least what the message itself carries. */
    synchronized Passage of(Passage carried) {
        return known.getOrDefault(key(carried), carried);
    }

    /** Adds a failed attempt. */
    synchronized Passage add(Passage carried, Attempt failed) {
        Passage after = known.getOrDefault(key(carried), carried).after(failed);
        known.put(key(carried), after);
        return after;
    }

    /** How many attempts of this event have failed here or before, 0 if none is known. */
    synchronized long attempts(Passage carried) {
        Passage passage = known.get(key(carried));
        return passage == null ? 0 : passage.attempts();
    }

    synchronized void forget(Passage carried) {
        @Nullable Passage _ = known.remove(key(carried));
    }

    private static Key key(Passage passage) {
        return new Key(passage.sequence(), passage.life(), passage.parkings());
    }
}
