package dev.saf.event;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What an event's attributes may look like. Each rule returns what is wrong with a value, to be read after the
 * attribute's name, or null if nothing is. No rule repeats the value, which may be anything.
 */
public final class Rules {

    public static final int MAX_SUBJECT_LENGTH = 200;
    public static final int MAX_SUBJECT_TOKENS = 16;
    public static final int MAX_ID_LENGTH = 128;
    public static final int MAX_SERVICE_LENGTH = 64;
    public static final int MAX_CONTENT_TYPE_LENGTH = 255;

    private static final String TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
    private static final String QUOTED = "\"[\\t !#-\\[\\]-~]*+\"";
    private static final Pattern CONTENT_TYPE = Pattern.compile(
            TOKEN + "/" + TOKEN + "(?:[ \\t]*;[ \\t]*" + TOKEN + "=(?:" + TOKEN + "|" + QUOTED + "))*+");

    private Rules() {}

    /**
     * An event's subject: dot-separated tokens of {@code [A-Za-z0-9_-]}. Narrower than what NATS allows, and than what
     * its client lets through: wildcards published by mistake would be stored literally.
     */
    public static @Nullable String subject(String subject) {
        int length = subject.length();
        if (length == 0) {
            return "must not be empty; it is 1 to 16 dot-separated tokens of [A-Za-z0-9_-], such as orders.placed";
        }
        if (length > MAX_SUBJECT_LENGTH) {
            return "must have at most " + MAX_SUBJECT_LENGTH + " characters";
        }
        int tokens = 1;
        int tokenLength = 0;
        for (int i = 0; i < length; i++) {
            char c = subject.charAt(i);
            if (c == '.') {
                if (tokenLength == 0) {
                    return "must not have empty tokens: no dot at the start or the end, no two dots in a row";
                }
                tokens++;
                tokenLength = 0;
            } else if (isTokenCharacter(c)) {
                tokenLength++;
            } else {
                return "must consist of dot-separated tokens of [A-Za-z0-9_-], such as orders.placed";
            }
        }
        if (tokenLength == 0) {
            return "must not have empty tokens: no dot at the start or the end, no two dots in a row";
        }
        return tokens > MAX_SUBJECT_TOKENS ? "must have at most " + MAX_SUBJECT_TOKENS + " tokens" : null;
    }

    /** An event's id: 1 to 128 characters (Unicode code points), none of them a control character. */
    public static @Nullable String id(String id) {
        if (id.isEmpty()) {
            return "must not be empty; leave it out to have one generated";
        }
        if (id.length() > MAX_ID_LENGTH && id.codePointCount(0, id.length()) > MAX_ID_LENGTH) {
            return "must have at most " + MAX_ID_LENGTH + " characters";
        }
        return text(id);
    }

    /** The name of the service an event comes from. */
    public static @Nullable String service(String service) {
        if (service.isEmpty()) {
            return "must not be empty; leave it out if there is none";
        }
        if (service.length() > MAX_SERVICE_LENGTH) {
            return "must have at most " + MAX_SERVICE_LENGTH + " characters";
        }
        for (int i = 0; i < service.length(); i++) {
            char c = service.charAt(i);
            if (c != '.' && !isTokenCharacter(c)) {
                return "must consist of [A-Za-z0-9._-]";
            }
        }
        return null;
    }

    /** A media type with parameters (RFC 9110, section 8.3.1), such as {@code application/json}. */
    public static @Nullable String contentType(String contentType) {
        if (contentType.equals("application/json")) {
            return null;
        }
        if (contentType.length() > MAX_CONTENT_TYPE_LENGTH) {
            return "must have at most " + MAX_CONTENT_TYPE_LENGTH + " characters";
        }
        return CONTENT_TYPE.matcher(contentType).matches()
                ? null
                : "must be a media type, such as application/octet-stream";
    }

    /** A CloudEvents attribute's name: {@code [a-z0-9]+}. */
    static boolean isAttributeName(String name) {
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) {
                return false;
            }
        }
        return !name.isEmpty();
    }

    /** A CloudEvents string: no control characters, and pairs of surrogates only. */
    static @Nullable String text(String value) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
                return "must not have control characters";
            }
            if (Character.isSurrogate(c)) {
                if (Character.isLowSurrogate(c)
                        || i + 1 == value.length()
                        || !Character.isLowSurrogate(value.charAt(i + 1))) {
                    return "must be valid Unicode, it has half of a surrogate pair";
                }
                i++;
            }
        }
        return null;
    }

    static void require(String attribute, @Nullable String problem) {
        if (problem != null) {
            throw new InvalidEventException(attribute, problem);
        }
    }

    private static boolean isTokenCharacter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    }
}
