package dev.saf.consumer.operations;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import dev.saf.consumer.ledger.Attempt;
import dev.saf.consumer.ledger.DeadLetter;
import dev.saf.event.CloudEvents;
import io.swagger.v3.oas.annotations.media.Schema;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.util.RawValue;

/**
 * All of a dead letter.
 *
 * @param history the last failed attempts that are known, oldest first
 * @param payload the event's, if it is JSON by its content type and indeed: every byte as it was
 * @param payloadBase64 the event's, if it is not
 */
record DeadLetterDetail(
        @JsonUnwrapped DeadLetterItem item,
        List<Failure> history,
        Map<String, List<String>> headers,
        @Nullable String contentType,

        @JsonInclude(JsonInclude.Include.NON_NULL) @Schema(description = "Any JSON value", type = "object") @Nullable
        Object payload,

        @JsonInclude(JsonInclude.Include.NON_NULL)
        @Schema(description = "Instead of payload, if that is not JSON")
        @Nullable
        String payloadBase64) {

    private static final Pattern JSON = Pattern.compile("application/(?:[^;]*\\+)?json\\s*(?:;.*)?");
    private static final JsonMapper STRICT = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** One failed attempt. */
    record Failure(long number, Instant time, long tookMs, String error) {

        private static Failure of(Attempt attempt) {
            return new Failure(attempt.number(), attempt.time(), attempt.took().toMillis(), attempt.error());
        }
    }

    static DeadLetterDetail of(DeadLetter letter) {
        Map<String, List<String>> headers = new TreeMap<>();
        letter.headers()
                .keySet()
                .forEach(name -> headers.put(name, letter.headers().get(name)));
        String type = headers.entrySet().stream()
                .filter(header -> header.getKey().equalsIgnoreCase(CloudEvents.CONTENT_TYPE))
                .map(header -> header.getValue().getFirst())
                .findFirst()
                .orElse(null);
        String json = json(type, letter.body());
        return new DeadLetterDetail(
                DeadLetterItem.of(letter),
                history(letter),
                headers,
                type,
                json == null ? null : new RawValue(json),
                json == null ? Base64.getEncoder().encodeToString(letter.body()) : null);
    }

    private static List<Failure> history(DeadLetter letter) {
        try {
            return letter.passage().history().stream().map(Failure::of).toList();
        } catch (IllegalArgumentException e) {
            return List.of();
        }
    }

    private static @Nullable String json(@Nullable String type, byte[] body) {
        if (type == null || !JSON.matcher(type.toLowerCase(Locale.ROOT)).matches()) {
            return null;
        }
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body))
                    .toString();
            return STRICT.readTree(text).isMissingNode() ? null : text;
        } catch (CharacterCodingException | JacksonException e) {
            return null;
        }
    }
}
