package dev.saf.channel.jdbc;

import dev.saf.channel.RejectedEventException;
import dev.saf.event.CloudEvents;
import dev.saf.event.Event;
import dev.saf.event.TraceContext;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What an event has for the parameters of a statement, as JDBC takes it; null for what it does not have. */
final class Values {

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .build();
    private static final String PART = "payload.";

    private final Event event;
    private @Nullable JsonNode payload;

    Values(Event event) {
        this.event = event;
    }

    /** The value for a parameter. */
    @Nullable
    Object get(String name) throws RejectedEventException {
        return switch (name) {
            case "id" -> event.id();
            case "source" -> event.source();
            case "subject" -> event.subject();
            case "type" -> event.type();
            case "time" -> event.time() == null ? null : event.time().atOffset(ZoneOffset.UTC);
            case "datacontenttype" -> event.payload().contentType();
            case "payload" -> text();
            case "bytes" -> event.payload().bytes();
            case CloudEvents.TRACEPARENT, CloudEvents.TRACESTATE -> trace(name);
            default -> name.startsWith(PART) ? part(name) : event.attributes().get(name);
        };
    }

    private @Nullable String trace(String name) {
        TraceContext trace = event.trace();
        if (trace == null) {
            return event.attributes().get(name);
        }
        return name.equals(CloudEvents.TRACEPARENT) ? trace.traceparent() : trace.tracestate();
    }

    private String text() throws RejectedEventException {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(event.payload().bytes()))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new RejectedEventException("the payload is no text in UTF-8, which :payload needs; :bytes takes all");
        }
    }

    private @Nullable Object part(String name) throws RejectedEventException {
        JsonNode node = json();
        for (String step : List.of(name.substring(PART.length()).split("\\.", -1))) {
            node = node.isArray() && step.matches("\\d{1,9}") ? node.path(Integer.parseInt(step)) : node.path(step);
        }
        if (node.isNull() || node.isMissingNode()) {
            return null;
        }
        if (node.isString()) {
            return node.stringValue();
        }
        if (node.isBoolean()) {
            return node.booleanValue();
        }
        return node.isNumber() ? node.decimalValue() : node.toString();
    }

    private JsonNode json() throws RejectedEventException {
        JsonNode parsed = payload;
        if (parsed == null) {
            try {
                parsed = JSON.readTree(event.payload().bytes());
            } catch (JacksonException e) {
                throw new RejectedEventException("the payload is no JSON, of which the statement needs parts");
            }
            payload = parsed;
        }
        return parsed;
    }
}
