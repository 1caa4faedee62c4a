package dev.saf.event;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What an event carries: bytes that nobody on the way looks into, and the media type they were declared as. */
public final class Payload {

    /** No bytes, of no type. */
    public static final Payload NONE = new Payload(new byte[0], null);

    private final byte[] bytes;
    private final @Nullable String contentType;

    private Payload(byte[] bytes, @Nullable String contentType) {
        this.bytes = bytes;
        this.contentType = contentType;
    }

    /**
     * Wraps bytes without copying them; they must not be changed any more.
     *
     * @throws InvalidEventException if the content type is none ({@link Rules#contentType})
     */
    public static Payload of(byte[] bytes, @Nullable String contentType) {
        if (contentType != null) {
            Rules.require("content_type", Rules.contentType(contentType));
        }
        return new Payload(bytes, contentType);
    }

    /** The bytes themselves, not a copy; they must not be changed. */
    public byte[] bytes() {
        return bytes;
    }

    /** A media type (RFC 9110, section 8.3.1), null if none was declared. */
    public @Nullable String contentType() {
        return contentType;
    }

    public String utf8() {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Payload payload
                && Arrays.equals(bytes, payload.bytes)
                && Objects.equals(contentType, payload.contentType);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(bytes) + Objects.hashCode(contentType);
    }

    /** The size and the type, never the content. */
    @Override
    public String toString() {
        return bytes.length + " bytes of " + contentType;
    }
}
