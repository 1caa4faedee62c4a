package dev.saf.consumer.delivery;

import com.dashjoin.jsonata.JException;
import com.dashjoin.jsonata.Jsonata;
import dev.saf.channel.RejectedEventException;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Which events a channel wants, and what it gets of them: two expressions in <a href="https://jsonata.org">JSONata</a>
 * over an object with {@code subject}, {@code id}, {@code source}, {@code type}, {@code time}, every further attribute
 * by its name, and {@code payload}: what was parsed if it is JSON, a string if not, and nothing if it is empty.
 */
final class Shape {

    private static final int MAX_MILLIS = 1_000;
    private static final int MAX_DEPTH = 200;
    private static final String JSON = "application/json";

    private final @Nullable Jsonata filter;
    private final @Nullable Jsonata transform;

    private Shape(@Nullable Jsonata filter, @Nullable Jsonata transform) {
        this.filter = filter;
        this.transform = transform;
    }

    /**
     * Reads the expressions.
     *
     * @param filter null for all events
     * @param transform null for events as they are
     * @throws IllegalArgumentException as {@code key: what is wrong}
     */
    static Shape of(@Nullable String filter, @Nullable String transform) {
        return new Shape(expression("filter", filter), expression("transform", transform));
    }

    private static @Nullable Jsonata expression(String key, @Nullable String text) {
        if (text == null) {
            return null;
        }
        try {
            return Jsonata.jsonata(text);
        } catch (JException e) {
            throw new IllegalArgumentException(
                    key + ": is no JSONata expression: " + e.getMessage() + ", at character " + e.getLocation());
        }
    }

    /**
     * What the channel is to get of an event; null if it does not want it.
     *
     * @throws RejectedEventException if an expression fails for this event
     */
    @Nullable
    Event of(Event event) throws RejectedEventException {
        if (filter == null && transform == null) {
            return event;
        }
        Map<String, Object> input = input(event);
        if (filter != null && !Jsonata.boolize(value("filter", filter, input))) {
            return null;
        }
        return transform == null ? event : event.withPayload(payload(value("transform", transform, input)));
    }

    private static Map<String, Object> input(Event event) {
        Map<String, Object> input = new HashMap<>(event.attributes());
        input.put("subject", event.subject());
        input.put("id", event.id());
        input.put("source", event.source());
        input.put("type", event.type());
        if (event.time() != null) {
            input.put("time", event.time().toString());
        }
        if (event.payload().bytes().length > 0) {
            input.put("payload", parsed(event.payload()));
        }
        return input;
    }

    private static @Nullable Object parsed(Payload payload) {
        try {
            return JsonMapper.shared().readValue(payload.bytes(), Object.class);
        } catch (JacksonException e) {
            return payload.utf8();
        }
    }

    private static @Nullable Object value(String key, Jsonata expression, Map<String, Object> input)
            throws RejectedEventException {
        Jsonata.Frame bounds = expression.createFrame();
        bounds.setRuntimeBounds(MAX_MILLIS, MAX_DEPTH);
        try {
            return expression.evaluate(input, bounds);
        } catch (RuntimeException | StackOverflowError e) {
            throw new RejectedEventException(key + " fails for this event: " + Dispatcher.describe(e));
        }
    }

    private static Payload payload(@Nullable Object value) throws RejectedEventException {
        if (value == null) {
            throw new RejectedEventException("transform gives nothing for this event");
        }
        try {
            return Payload.of(JsonMapper.shared().writeValueAsBytes(value), JSON);
        } catch (JacksonException e) {
            throw new RejectedEventException("transform gives what is no JSON: " + e.getOriginalMessage());
        }
    }
}
