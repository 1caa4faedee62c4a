package dev.saf.jetstream.check;

import java.util.Locale;

/**
 * What was found out about one thing.
 *
 * @param text a sentence: what was looked at or, if something is wrong, what, and what to do
 */
public record Finding(Area area, Verdict verdict, String text) {

    /** How it is. */
    public enum Verdict {
        OK,
        /** Worth to know, and nothing to stop for. */
        NOTE,
        FAIL
    }

    public static Finding ok(Area area, String text) {
        return new Finding(area, Verdict.OK, text);
    }

    public static Finding note(Area area, String text) {
        return new Finding(area, Verdict.NOTE, text);
    }

    public static Finding fail(Area area, String text) {
        return new Finding(area, Verdict.FAIL, text);
    }

    /** A text without what could end the line, steer a terminal, or turn the order of reading round. */
    static String oneLine(String text) {
        return text.replaceAll("[\\p{Cntrl}\\p{Cf}\\u2028\\u2029]+", " ");
    }

    /** As one line, whatever the text has in it. */
    String line() {
        return "%-4s  %s: %s"
                .formatted(
                        verdict == Verdict.FAIL
                                ? verdict.name()
                                : verdict.name().toLowerCase(Locale.ROOT),
                        area.name().toLowerCase(Locale.ROOT),
                        oneLine(text));
    }
}
