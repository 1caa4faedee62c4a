package dev.saf.event;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The headers of an event in binary mode, alike for the HTTP and the NATS protocol binding of CloudEvents 1.0:
 * {@code ce-*}, {@code content-type}, and beside them {@code traceparent} and {@code tracestate}. The body is the
 * payload's bytes.
 */
public final class CloudEvents {

    public static final String SPEC_VERSION = "1.0";
    public static final String CONTENT_TYPE = "content-type";
    public static final String TRACEPARENT = "traceparent";
    public static final String TRACESTATE = "tracestate";

    /** Attributes that have a field of their own in {@link Event}. */
    static final Set<String> CORE = Set.of("specversion", "id", "source", "type", "time", "datacontenttype");

    private static final String PREFIX = "ce-";
    private static final char[] HEX = "0123456789ABCDEF".toCharArray();

    private CloudEvents() {}

    /** Hands every header of an event, with its value encoded, to a sink. */
    public static void write(Event event, BiConsumer<String, String> sink) {
        sink.accept("ce-specversion", SPEC_VERSION);
        sink.accept("ce-id", encode(event.id()));
        sink.accept("ce-source", encode(event.source()));
        sink.accept("ce-type", encode(event.type()));
        Instant time = event.time();
        if (time != null) {
            sink.accept("ce-time", time.toString());
        }
        if (!event.attributes().isEmpty()) {
            event.attributes().forEach((name, value) -> sink.accept(PREFIX + name, encode(value)));
        }
        String contentType = event.payload().contentType();
        if (contentType != null) {
            sink.accept(CONTENT_TYPE, contentType);
        }
        TraceContext trace = event.trace();
        if (trace != null) {
            sink.accept(TRACEPARENT, trace.traceparent());
            String state = trace.tracestate();
            if (state != null) {
                sink.accept(TRACESTATE, state);
            }
        }
    }

    /**
     * The attributes of an event by their own names and as they are, for bindings that need no encoding: those it must
     * have first, and the trace as the attributes of CloudEvents' extension for distributed tracing. The content type,
     * which every binding has its own place for, is not among them.
     */
    public static Map<String, String> attributes(Event event) {
        Map<String, String> attributes = new LinkedHashMap<>();
        attributes.put("specversion", SPEC_VERSION);
        attributes.put("id", event.id());
        attributes.put("source", event.source());
        attributes.put("type", event.type());
        Instant time = event.time();
        if (time != null) {
            attributes.put("time", time.toString());
        }
        attributes.putAll(event.attributes());
        TraceContext trace = event.trace();
        if (trace != null) {
            attributes.put(TRACEPARENT, trace.traceparent());
            String state = trace.tracestate();
            if (state != null) {
                attributes.put(TRACESTATE, state);
            }
        }
        return attributes;
    }

    /**
     * Reads an event back. Header names count without regard to case.
     *
     * @param names the names of all headers
     * @param first the first value of a header by its exact name, null if there is none
     * @throws InvalidEventException if this is no CloudEvent 1.0 in binary mode, or breaks a rule of {@link Event}
     */
    public static Event read(
            String subject, Iterable<String> names, Function<String, @Nullable String> first, byte[] body) {
        Map<String, String> attributes = new HashMap<>();
        String contentType = null;
        String traceparent = null;
        String tracestate = null;
        for (String name : names) {
            String value = first.apply(name);
            if (value == null) {
                continue;
            }
            if (name.regionMatches(true, 0, PREFIX, 0, PREFIX.length())) {
                attributes.put(name.substring(PREFIX.length()).toLowerCase(Locale.ROOT), decode(name, value));
            } else if (name.equalsIgnoreCase(CONTENT_TYPE)) {
                contentType = value;
            } else if (name.equalsIgnoreCase(TRACEPARENT)) {
                traceparent = value;
            } else if (name.equalsIgnoreCase(TRACESTATE)) {
                tracestate = value;
            }
        }
        String version = required(attributes, "specversion");
        if (!version.equals(SPEC_VERSION)) {
            throw new InvalidEventException("specversion", "must be " + SPEC_VERSION);
        }
        String time = attributes.remove("time");
        // In binary mode the content type is the header of that name, whatever an attribute may say.
        attributes.remove("datacontenttype");
        return new Event(
                subject,
                required(attributes, "id"),
                required(attributes, "source"),
                required(attributes, "type"),
                time == null ? null : time(time),
                Payload.of(body, contentType),
                attributes,
                traceparent == null ? null : new TraceContext(traceparent, tracestate));
    }

    /**
     * A point in time as CloudEvents and HTTP clients write it.
     *
     * @param text a date and time with offset, RFC 3339
     * @throws InvalidEventException if it is not, or lies outside the years 1 to 9999
     */
    public static Instant time(String text) {
        try {
            Instant utc = utc(text);
            if (utc != null) {
                return utc;
            }
            OffsetDateTime time = OffsetDateTime.parse(text);
            // The parser also takes years of more digits, times without seconds, and a point without a fraction.
            if (time.getYear() >= 1
                    && time.getYear() <= 9999
                    && text.charAt(4) == '-'
                    && text.charAt(16) == ':'
                    && (text.charAt(19) != '.' || Character.isDigit(text.charAt(20)))) {
                return time.toInstant();
            }
        } catch (DateTimeException e) {
            // Said below, without the value.
        }
        throw new InvalidEventException(
                "time", "must be a date and time with offset as in RFC 3339, such as 2006-01-02T15:04:05Z");
    }

    /**
     * Nearly every time is written like {@code 2006-01-02T15:04:05.123Z}; the general parser takes as long for it as
     * all else in an event together. Null for any other form.
     */
    private static @Nullable Instant utc(String text) {
        int end = text.length() - 1;
        if (end < 19
                || text.charAt(4) != '-'
                || text.charAt(7) != '-'
                || text.charAt(10) != 'T'
                || text.charAt(13) != ':'
                || text.charAt(16) != ':'
                || text.charAt(end) != 'Z'
                || (end > 19 && (text.charAt(19) != '.' || end == 20 || end > 29))) {
            return null;
        }
        int year = digits(text, 0, 4);
        int month = digits(text, 5, 7);
        int day = digits(text, 8, 10);
        int hour = digits(text, 11, 13);
        int minute = digits(text, 14, 16);
        int second = digits(text, 17, 19);
        int nanos = end == 19 ? 0 : digits(text, 20, end);
        if (year < 1 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0 || nanos < 0) {
            return null;
        }
        for (int i = end; end > 19 && i < 29; i++) {
            nanos *= 10;
        }
        return LocalDateTime.of(year, month, day, hour, minute, second, nanos).toInstant(ZoneOffset.UTC);
    }

    private static int digits(String text, int begin, int end) {
        int number = 0;
        for (int i = begin; i < end; i++) {
            int digit = text.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            number = number * 10 + digit;
        }
        return number;
    }

    private static String required(Map<String, String> attributes, String name) {
        String value = attributes.remove(name);
        if (value == null) {
            throw new InvalidEventException(name, "is missing: not a CloudEvent in binary mode");
        }
        return value;
    }

    /**
     * Percent-encodes as both bindings say: the space, the double quote, the percent sign, and all outside of U+0021 to
     * U+007E.
     */
    public static String encode(String value) {
        for (int i = 0; i < value.length(); i++) {
            if (isEncoded(value.charAt(i))) {
                return encodeFrom(i, value);
            }
        }
        return value;
    }

    private static String encodeFrom(int start, String value) {
        StringBuilder encoded = new StringBuilder(value.length() + 16).append(value, 0, start);
        for (byte b : value.substring(start).getBytes(StandardCharsets.UTF_8)) {
            if (b < 0 || isEncoded((char) b)) {
                encoded.append('%').append(HEX[(b >> 4) & 0xf]).append(HEX[b & 0xf]);
            } else {
                encoded.append((char) b);
            }
        }
        return encoded.toString();
    }

    private static boolean isEncoded(char c) {
        return c <= ' ' || c == '"' || c == '%' || c > '~';
    }

    /**
     * The value of an attribute, from that of its header.
     *
     * @throws InvalidEventException if it is not percent-encoded UTF-8
     */
    public static String decode(String name, String value) {
        if (value.indexOf('%') < 0) {
            return value;
        }
        ByteArrayOutputStream decoded = new ByteArrayOutputStream(value.length());
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < bytes.length; i++) {
            int high = i + 2 < bytes.length ? Character.digit(bytes[i + 1], 16) : -1;
            int low = high < 0 ? -1 : Character.digit(bytes[i + 2], 16);
            if (bytes[i] == '%' && low >= 0) {
                decoded.write(high << 4 | low);
                i += 2;
            } else {
                decoded.write(bytes[i]);
            }
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(decoded.toByteArray()))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new InvalidEventException(name, "must be percent-encoded UTF-8");
        }
    }
}
