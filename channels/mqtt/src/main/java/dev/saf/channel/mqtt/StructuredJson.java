package dev.saf.channel.mqtt;

import dev.saf.event.CloudEvents;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.util.RawValue;

/**
 * Events in CloudEvents' <a
 * href="https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md">JSON format</a>. A JSON
 * payload is there as it was sent, any other in Base64.
 */
final class StructuredJson {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private StructuredJson() {}

    static byte[] of(Event event) {
        ObjectNode whole = JSON.createObjectNode();
        CloudEvents.attributes(event).forEach(whole::put);
        Payload payload = event.payload();
        @Nullable String contentType = payload.contentType();
        if (contentType != null) {
            whole.put("datacontenttype", contentType);
        }
        @Nullable String json = isJson(contentType) ? json(payload.bytes()) : null;
        if (json != null) {
            whole.putRawValue("data", new RawValue(json));
        } else if (payload.bytes().length > 0) {
            whole.put("data_base64", payload.bytes());
        }
        return JSON.writeValueAsBytes(whole);
    }

    private static boolean isJson(@Nullable String contentType) {
        if (contentType == null) {
            return false;
        }
        int semicolon = contentType.indexOf(';');
        String type = (semicolon < 0 ? contentType : contentType.substring(0, semicolon))
                .strip()
                .toLowerCase(Locale.ROOT);
        return type.equals("application/json") || type.endsWith("+json");
    }

    /** The payload as text, or null if it is not the JSON it was declared to be. */
    private static @Nullable String json(byte[] payload) {
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(payload))
                    .toString();
            return JSON.readTree(text).isMissingNode() ? null : text;
        } catch (CharacterCodingException | JacksonException e) {
            return null;
        }
    }
}
