package dev.saf.jetstream;

import dev.saf.event.TraceContext;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The rules of W3C Trace Context, level 2, for what comes from outside. */
final class TraceParents {

    private static final int LENGTH = 55;
    private static final int MAX_STATE_LENGTH = 512;
    private static final String KEY =
            "(?:[a-z0-9][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})";
    private static final String MEMBER = "(?:" + KEY + "=[ -+\\--<>-~]{0,255}[!-+\\--<>-~])?";
    private static final Pattern STATE =
            Pattern.compile("[ \\t]*" + MEMBER + "[ \\t]*(?:,[ \\t]*" + MEMBER + "[ \\t]*){0,31}");

    private TraceParents() {}

    /** What is left of a trace context: null if its parent is invalid, without the state if only that is. */
    static @Nullable TraceContext valid(@Nullable TraceContext context) {
        if (context == null || !isParent(context.traceparent())) {
            return null;
        }
        String state = context.tracestate();
        return state == null || isState(state) ? context : new TraceContext(context.traceparent(), null);
    }

    private static boolean isParent(String parent) {
        int length = parent.length();
        if (length < LENGTH
                || parent.charAt(2) != '-'
                || parent.charAt(35) != '-'
                || parent.charAt(52) != '-'
                || !isHex(parent, 0, 2)
                || !isHex(parent, 3, 35)
                || !isHex(parent, 36, 52)
                || !isHex(parent, 53, 55)) {
            return false;
        }
        // Later versions may go on, and ff is none.
        return (length == LENGTH || (parent.charAt(LENGTH) == '-' && !parent.startsWith("00") && isPlain(parent)))
                && !parent.startsWith("ff")
                && !isZero(parent, 3, 35)
                && !isZero(parent, 36, 52);
    }

    private static boolean isState(String state) {
        return !state.isBlank()
                && state.length() <= MAX_STATE_LENGTH
                && STATE.matcher(state).matches();
    }

    private static boolean isHex(String text, int from, int to) {
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
                return false;
            }
        }
        return true;
    }

    private static boolean isZero(String text, int from, int to) {
        for (int i = from; i < to; i++) {
            if (text.charAt(i) != '0') {
                return false;
            }
        }
        return true;
    }

    private static boolean isPlain(String text) {
        return text.length() <= MAX_STATE_LENGTH && text.chars().allMatch(c -> c > ' ' && c < 0x7f);
    }
}
