package dev.saf.event;

import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Something that happened, addressed by subject: a CloudEvent 1.0. Source and id name the event, not the attempt to
 * send it: two events with the same source and id are the same event.
 *
 * @param subject where it is addressed, {@code orders.placed}; not CloudEvents' attribute of that name, which is merely
 *     carried
 * @param source who it comes from; {@link #DEFAULT_SOURCE} if nobody said so
 * @param type what happened; the subject, unless a foreign publisher chose another
 * @param time when it happened, null if the publisher did not say
 * @param attributes further CloudEvents attributes, among them {@code dataschema}, {@code subject} and extensions
 * @param trace null outside of any trace
 */
public record Event(
        String subject,
        String id,
        String source,
        String type,
        @Nullable Instant time,
        Payload payload,
        Map<String, String> attributes,
        @Nullable TraceContext trace) {

    /** The source of an event that names no service. */
    public static final String DEFAULT_SOURCE = "saf";

    /**
     * Checks every attribute.
     *
     * @throws InvalidEventException if an attribute breaks its rule
     */
    public Event {
        Rules.require("subject", Rules.subject(subject));
        Rules.require("id", Rules.id(id));
        if (source.isEmpty()) {
            throw new InvalidEventException("source", "must not be empty");
        }
        Rules.require("source", Rules.text(source));
        if (type.isEmpty()) {
            throw new InvalidEventException("type", "must not be empty");
        }
        Rules.require("type", Rules.text(type));
        attributes = Map.copyOf(attributes);
        attributes.forEach((name, value) -> {
            if (!Rules.isAttributeName(name) || CloudEvents.CORE.contains(name)) {
                throw new InvalidEventException("attributes", "must have names of [a-z0-9] that no other field has");
            }
            Rules.require(name, Rules.text(value));
        });
    }

    /** An event as a client describes it. */
    public static Event of(String subject, String id, @Nullable String service, Instant time, Payload payload) {
        if (service != null) {
            Rules.require("service", Rules.service(service));
        }
        return new Event(
                subject, id, service == null ? DEFAULT_SOURCE : service, subject, time, payload, Map.of(), null);
    }

    public Event withTrace(@Nullable TraceContext context) {
        return new Event(subject, id, source, type, time, payload, attributes, context);
    }

    public Event withPayload(Payload other) {
        return new Event(subject, id, source, type, time, other, attributes, trace);
    }

    /**
     * With one more attribute, or another value for it.
     *
     * @throws InvalidEventException if there can be no such attribute
     */
    public Event withAttribute(String name, String value) {
        Map<String, String> more = new HashMap<>(attributes);
        more.put(name, value);
        return new Event(subject, id, source, type, time, payload, more, trace);
    }
}
