package dev.saf.jetstream;

import dev.saf.event.Event;
import dev.saf.event.WireFormat;
import io.nats.client.Message;
import io.nats.client.impl.Headers;

/** Events in the shape of the NATS client. */
public final class EventMessages {

    private static final Headers NONE = new Headers();

    private EventMessages() {}

    /**
     * The headers of an event's message; its body is the payload's bytes, its subject {@link WireFormat#natsSubject}.
     */
    public static Headers headers(Event event) {
        Headers headers = new Headers();
        WireFormat.write(event, headers::put);
        return headers;
    }

    /**
     * The event in a message.
     *
     * @throws dev.saf.event.InvalidEventException if the message is no event
     */
    public static Event event(Message message) {
        return event(message.getSubject(), message);
    }

    /**
     * The event in a message that lies elsewhere than the event was published.
     *
     * @param natsSubject what the event was published on
     * @throws dev.saf.event.InvalidEventException if the message is no event
     */
    public static Event event(String natsSubject, Message message) {
        Headers headers = message.getHeaders() == null ? NONE : message.getHeaders();
        return WireFormat.read(natsSubject, headers.keySet(), headers::getFirst, message.getData());
    }
}
