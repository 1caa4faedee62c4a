package dev.saf.producer;

import dev.saf.event.CloudEvents;
import dev.saf.event.Event;
import dev.saf.event.EventIds;
import dev.saf.event.InvalidEventException;
import dev.saf.event.Payload;
import dev.saf.event.Rules;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads the body of {@code POST /api/event}: one JSON object (RFC 8259) in UTF-8. The payload is cut out of the body as
 * the client wrote it, never parsed into something and written again; big numbers, key order and escapes survive.
 */
final class EventRequest {

    /** What a body turned out to be. */
    sealed interface Read {

        /**
         * An event.
         *
         * @param idGenerated whether the id is ours, since the client gave none
         */
        record Valid(Event event, boolean idGenerated) implements Read {}

        /** No event; everything that is wrong with it. */
        record Invalid(List<Violation> violations) implements Read {}
    }

    static final int MAX_DEPTH = 64;
    static final int MAX_KEY_LENGTH = 256;
    static final int MAX_KEYS = 5_000;
    static final int MAX_NUMBER_LENGTH = 1_000;
    static final int MAX_EXPONENT_LENGTH = 5;

    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxNameLength(MAX_KEY_LENGTH)
                    .maxNumberLength(MAX_NUMBER_LENGTH)
                    .maxStringLength(Integer.MAX_VALUE)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    private static final String FIELDS = "subject, id, service, time, payload (or data), payload_base64, content_type";

    private final byte[] body;
    private final int length;
    private final List<Violation> violations = new ArrayList<>(0);

    private @Nullable String subject;
    private boolean subjectSeen;
    private @Nullable String id;
    private @Nullable String service;
    private @Nullable Instant time;
    private @Nullable String payloadField;
    private byte @Nullable [] payload;
    private @Nullable String contentType;
    private boolean base64;
    private int keys;
    private boolean escapes;

    private EventRequest(byte[] body, int length) {
        this.body = body;
        this.length = length;
    }

    /**
     * Reads a body.
     *
     * @param body not kept
     * @param length how many of its bytes count
     * @param clock the time of an event that comes without one
     */
    static Read read(byte[] body, int length, InstantSource clock) {
        EventRequest request = new EventRequest(body, length);
        String problem = request.encodingProblem();
        if (problem != null) {
            return new Read.Invalid(List.of(new Violation("", problem)));
        }
        return request.parse(clock);
    }

    private Read parse(InstantSource clock) {
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), body, 0, length)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                return invalid("", "must be a JSON object with the fields " + FIELDS);
            }
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String name = parser.currentName();
                field(name, parser, parser.nextToken());
            }
            if (parser.nextToken() != null) {
                return invalid("", "must be one JSON object with nothing after it");
            }
        } catch (StreamConstraintsException e) {
            return invalid(
                    "",
                    "goes beyond a limit: at most %d levels deep, %d keys, %d characters a key, %d digits a number"
                            .formatted(MAX_DEPTH, MAX_KEYS, MAX_KEY_LENGTH, MAX_NUMBER_LENGTH));
        } catch (JacksonException e) {
            String message = e.getOriginalMessage();
            if (message != null && message.startsWith("Duplicate")) {
                return invalid("", "must not have the same key twice in one object, as at " + position(e));
            }
            return invalid("", "must be valid JSON (RFC 8259), it is not at " + position(e));
        }
        return event(clock);
    }

    private static String position(JacksonException e) {
        var location = e.getLocation();
        return location == null
                ? "its end"
                : "line %d, column %d".formatted(location.getLineNr(), location.getColumnNr());
    }

    private void field(String name, JsonParser parser, JsonToken value) {
        switch (name) {
            case "subject" -> {
                subjectSeen = true;
                subject = text(name, parser, value, Rules::subject, false);
            }
            case "id" -> id = text(name, parser, value, Rules::id, true);
            case "service" -> service = text(name, parser, value, Rules::service, true);
            case "content_type" -> contentType = text(name, parser, value, Rules::contentType, true);
            case "time" -> {
                String text = text(name, parser, value, ignored -> null, true);
                if (text != null) {
                    try {
                        time = CloudEvents.time(text);
                    } catch (InvalidEventException e) {
                        violations.add(new Violation(name, e.problem()));
                    }
                }
            }
            case "payload", "data" -> {
                if (isFirstPayload(name)) {
                    payload = slice(parser, value, name);
                } else {
                    skip(parser, value, name);
                }
            }
            case "payload_base64" -> {
                String text = text(name, parser, value, ignored -> null, true);
                if (text != null && isFirstPayload(name)) {
                    base64 = true;
                    payload = decode(name, text);
                }
            }
            default -> {
                violations.add(new Violation(
                        name.length() > 64 ? name.substring(0, 64) + "…" : name,
                        "is unknown; the fields are " + FIELDS));
                skip(parser, value, name);
            }
        }
    }

    private boolean isFirstPayload(String name) {
        if (payloadField != null) {
            violations.add(new Violation(name, "must not be there beside " + payloadField + "; send one of them"));
            return false;
        }
        payloadField = name;
        return true;
    }

    private @Nullable String text(
            String name,
            JsonParser parser,
            JsonToken value,
            Function<String, @Nullable String> rule,
            boolean optional) {
        if (value == JsonToken.VALUE_STRING) {
            String text = parser.getString();
            String problem = rule.apply(text);
            if (problem != null) {
                violations.add(new Violation(name, problem));
            }
            return text;
        }
        if (value != JsonToken.VALUE_NULL || !optional) {
            violations.add(new Violation(name, "must be a string"));
        }
        skip(parser, value, name);
        return null;
    }

    private byte[] decode(String name, String text) {
        try {
            // The decoder would let missing padding pass.
            if (text.length() % 4 == 0) {
                return Base64.getDecoder().decode(text);
            }
        } catch (IllegalArgumentException e) {
            // Said below, without the value.
        }
        violations.add(
                new Violation(name, "must be Base64 (RFC 4648, section 4), with padding and without white space"));
        return new byte[0];
    }

    /** The bytes of a value, from its first to its last. */
    private byte[] slice(JsonParser parser, JsonToken value, String name) {
        int start = (int) parser.currentTokenLocation().getByteOffset();
        skip(parser, value, name);
        return Arrays.copyOfRange(body, start, (int) parser.currentLocation().getByteOffset());
    }

    private void skip(JsonParser parser, JsonToken value, String name) {
        int depth = 0;
        JsonToken token = value;
        while (true) {
            switch (token) {
                case START_OBJECT, START_ARRAY -> depth++;
                case END_OBJECT, END_ARRAY -> depth--;
                case PROPERTY_NAME -> {
                    if (++keys > MAX_KEYS) {
                        throw new StreamConstraintsException("keys");
                    }
                    refuseHalfCharacters(parser, name);
                }
                case VALUE_STRING -> refuseHalfCharacters(parser, name);
                case VALUE_NUMBER_FLOAT -> refuseHugeExponent(parser, name);
                default -> {}
            }
            if (depth == 0) {
                parser.finishToken();
                return;
            }
            token = parser.nextToken();
        }
    }

    /**
     * {@code "\ud800"} is valid JSON but stands for no text; only where there are such escapes need the text be looked
     * at.
     */
    private void refuseHalfCharacters(JsonParser parser, String name) {
        if (escapes) {
            char[] characters = parser.getStringCharacters();
            int start = parser.getStringOffset();
            int end = start + parser.getStringLength();
            for (int i = start; i < end; i++) {
                if (Character.isSurrogate(characters[i])) {
                    if (Character.isLowSurrogate(characters[i])
                            || i + 1 == end
                            || !Character.isLowSurrogate(characters[i + 1])) {
                        violations.add(new Violation(name, "must be valid Unicode, it has half of a surrogate pair"));
                        return;
                    }
                    i++;
                }
            }
        }
    }

    /** A dozen bytes must not make whoever reads the payload allocate gigabytes. */
    private void refuseHugeExponent(JsonParser parser, String name) {
        String number = parser.getString();
        int e = Math.max(number.indexOf('e'), number.indexOf('E'));
        if (e >= 0 && number.length() - e - 1 > MAX_EXPONENT_LENGTH) {
            violations.add(new Violation(
                    name,
                    "must not have numbers with exponents of more than " + (MAX_EXPONENT_LENGTH - 1) + " digits"));
        }
    }

    private Read event(InstantSource clock) {
        if (!subjectSeen) {
            violations.add(new Violation("subject", "is missing; it says where the event goes, such as orders.placed"));
        }
        if (contentType != null && !base64) {
            violations.add(new Violation(
                    "content_type", "goes with payload_base64 only; a payload is always application/json"));
        }
        String to = subject;
        if (!violations.isEmpty() || to == null) {
            return new Read.Invalid(violations);
        }
        Instant now = clock.instant();
        String given = id;
        return new Read.Valid(
                Event.of(
                        to,
                        given == null ? EventIds.next(now.toEpochMilli()) : given,
                        service,
                        time == null ? now : time,
                        payload()),
                given == null);
    }

    private Payload payload() {
        byte[] bytes = payload;
        if (bytes == null) {
            return Payload.NONE;
        }
        if (!base64) {
            return Payload.of(bytes, "application/json");
        }
        return Payload.of(bytes, contentType == null ? "application/octet-stream" : contentType);
    }

    private Read.Invalid invalid(String field, String detail) {
        violations.add(new Violation(field, detail));
        return new Read.Invalid(violations);
    }

    /**
     * JSON between systems is UTF-8 without a byte order mark (RFC 8259, section 8.1). The parser would guess other
     * encodings and let malformed UTF-8 pass in what it skips.
     */
    private @Nullable String encodingProblem() {
        boolean ascii = true;
        for (int i = 0; i < length; i++) {
            ascii &= body[i] >= 0;
            escapes |= body[i] == '\\';
        }
        if (length == 0) {
            return "is empty; it must be a JSON object with the fields " + FIELDS;
        }
        if (body[0] == 0
                || (length > 1 && body[1] == 0)
                || (body[0] == (byte) 0xef && length > 1 && body[1] == (byte) 0xbb)) {
            return "must be UTF-8 without a byte order mark";
        }
        if (!ascii) {
            try {
                StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body, 0, length));
            } catch (CharacterCodingException e) {
                return "must be valid UTF-8";
            }
        }
        return null;
    }
}
