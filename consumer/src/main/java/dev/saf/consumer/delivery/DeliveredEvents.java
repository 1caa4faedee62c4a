package dev.saf.consumer.delivery;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Remembers which events the channel has had lately, so that none is offered again only because its acknowledgement was
 * lost. Bounded and without locks: an event displaces the one that many sequences before it.
 */
final class DeliveredEvents {

    private static final int SIZE = 1 << 14;

    private final AtomicLongArray marks = new AtomicLongArray(SIZE);

    void add(Position position) {
        marks.set(slot(position), mark(position));
    }

    boolean contains(Position position) {
        return marks.get(slot(position)) == mark(position);
    }

    private static int slot(Position position) {
        return (int) (position.sequence() & (SIZE - 1));
    }

    /** With the time it was stored: after a stream was lost and made anew, its numbers mean other events. */
    private static long mark(Position position) {
        return position.storedNanos() * 0x9E3779B97F4A7C15L + position.sequence();
    }
}
