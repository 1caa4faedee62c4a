package dev.saf.consumer;

import dev.saf.channel.Channel;
import dev.saf.event.Event;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/** Remembers every event it is offered, then does what another channel does. */
public final class RecordingChannel implements Channel {

    public final Queue<Event> offered = new ConcurrentLinkedQueue<>();
    public final Queue<Event> delivered = new ConcurrentLinkedQueue<>();
    public final AtomicBoolean closed = new AtomicBoolean();

    private final Channel then;

    public RecordingChannel() {
        this(event -> {});
    }

    public RecordingChannel(Channel then) {
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

    public List<String> offeredIds() {
        return ids(offered);
    }

    public List<String> deliveredIds() {
        return ids(delivered);
    }

    private static List<String> ids(Collection<Event> events) {
        return events.stream().map(Event::id).toList();
    }
}
