package dev.saf.channel;

import dev.saf.event.CloudEvents;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.event.TraceContext;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.json.JsonMapper;

/**
 * An event as one JSON object, in the <a
 * href="https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md">JSON format of CloudEvents
 * 1.0</a>. The trace context is in the extensions {@code traceparent} and {@code tracestate}.
 */
public final class CloudEventJson {

    /** The media type of what this class writes. */
    public static final String CONTENT_TYPE = "application/cloudevents+json";

    private static final JsonMapper JSON = JsonMapper.shared();

    private CloudEventJson() {}

    /** The object on a single line, in UTF-8, without the end of that line. */
    public static byte[] line(Event event) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(event.payload().bytes().length + 512);
        try (JsonGenerator json = JSON.createGenerator(out)) {
            json.writeStartObject();
            json.writeStringProperty("specversion", CloudEvents.SPEC_VERSION);
            json.writeStringProperty("id", event.id());
            json.writeStringProperty("source", event.source());
            json.writeStringProperty("type", event.type());
            if (event.time() != null) {
                json.writeStringProperty("time", event.time().toString());
            }
            TraceContext trace = event.trace();
            event.attributes().forEach((name, value) -> {
                // The context of this very delivery stands for one the publisher may have given as an attribute.
                if (trace == null || !isTrace(name)) {
                    json.writeStringProperty(name, value);
                }
            });
            if (trace != null) {
                json.writeStringProperty(CloudEvents.TRACEPARENT, trace.traceparent());
                if (trace.tracestate() != null) {
                    json.writeStringProperty(CloudEvents.TRACESTATE, trace.tracestate());
                }
            }
            write(event.payload(), json);
            json.writeEndObject();
        }
        return out.toByteArray();
    }

    private static boolean isTrace(String name) {
        return name.equals(CloudEvents.TRACEPARENT) || name.equals(CloudEvents.TRACESTATE);
    }

    private static void write(Payload payload, JsonGenerator json) {
        String contentType = payload.contentType();
        if (contentType != null) {
            json.writeStringProperty("datacontenttype", contentType);
        }
        if (payload.bytes().length == 0) {
            return;
        }
        String type = mediaType(contentType);
        String text = type.startsWith("text/") || isJson(type) ? decoded(payload.bytes()) : null;
        if (text != null && isJson(type) && isOneValue(text)) {
            json.writeName("data");
            // As it was sent, numbers to the last digit; a string of JSON has no ends of lines of its own.
            json.writeRawValue(text.replace('\n', ' ').replace('\r', ' '));
        } else if (text != null && !isJson(type)) {
            json.writeStringProperty("data", text);
        } else {
            json.writeName("data_base64");
            json.writeBinary(payload.bytes());
        }
    }

    /** What is of no type is JSON, says the format. */
    private static boolean isJson(String type) {
        return type.isEmpty() || type.endsWith("/json") || type.endsWith("+json");
    }

    private static String mediaType(@Nullable String contentType) {
        if (contentType == null) {
            return "";
        }
        int semicolon = contentType.indexOf(';');
        return (semicolon < 0 ? contentType : contentType.substring(0, semicolon))
                .strip()
                .toLowerCase(Locale.ROOT);
    }

    private static @Nullable String decoded(byte[] bytes) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            return null;
        }
    }

    private static boolean isOneValue(String text) {
        try (JsonParser parser = JSON.createParser(text)) {
            if (parser.nextToken() == null) {
                return false;
            }
            parser.skipChildren();
            return parser.nextToken() == null;
        } catch (JacksonException e) {
            return false;
        }
    }
}
