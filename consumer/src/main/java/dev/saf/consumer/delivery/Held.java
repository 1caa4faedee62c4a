package dev.saf.consumer.delivery;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Events that have come and wait for their turn, first come, first served. */
final class Held {

    private final Queue<Delivery> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger size = new AtomicInteger();

    void add(Delivery delivery) {
        size.incrementAndGet();
        queue.add(delivery);
    }

    /** The next one, null if there is none. */
    @Nullable
    Delivery poll() {
        Delivery next = queue.poll();
        if (next != null) {
            size.decrementAndGet();
        }
        return next;
    }

    /** Takes one out of the row. False if it is not there any more. */
    boolean remove(Delivery delivery) {
        boolean removed = queue.remove(delivery);
        if (removed) {
            size.decrementAndGet();
        }
        return removed;
    }

    /** Takes out those of one source. */
    List<Delivery> remove(Source source) {
        return queue.stream()
                .filter(each -> each.source.equals(source))
                .filter(this::remove)
                .toList();
    }

    boolean isEmpty() {
        return queue.isEmpty();
    }

    int size() {
        return size.get();
    }
}
