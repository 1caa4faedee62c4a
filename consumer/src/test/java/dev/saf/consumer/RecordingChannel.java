package dev.saf.consumer;

import dev.saf.channel.Channel;
import dev.saf.event.Event;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/** Remembers every event it is offered, then does what another channel does. */
final class RecordingChannel implements Channel {

    final Queue<Event> offered = new ConcurrentLinkedQueue<>();
    final Queue<Event> delivered = new ConcurrentLinkedQueue<>();
    final AtomicBoolean closed = new AtomicBoolean();

    private final Channel then;

    RecordingChannel() {
        this(event -> {});
    }

    RecordingChannel(Channel then) {
        this.then = then;
    }

    @Override
    public void deliver(Event event) throws Exception {
        offered.add(event);
        then.deliver(event);
        delivered.add(event);
    }

    @Override
    public void close() {
        closed.set(true);
    }

    List<String> offeredIds() {
        return ids(offered);
    }

    List<String> deliveredIds() {
        return ids(delivered);
    }

    private static List<String> ids(Collection<Event> events) {
        return events.stream().map(Event::id).toList();
    }
}
