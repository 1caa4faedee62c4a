package dev.saf.consumer.ledger;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One failed attempt to deliver an event.
 *
 * @param number which attempt it was, from 1
 * @param time when it ended
 * @param took how long the channel took, in milliseconds on the wire
 * @param error what the channel said, in printable ASCII and 200 characters at most
 */
public record Attempt(long number, Instant time, Duration took, String error) {

    private static final int MAX_ERROR = 200;

    /** Bounds the error and makes it printable. */
    public Attempt {
        error = Passage.printable(error.length() > MAX_ERROR ? error.substring(0, MAX_ERROR) + "..." : error);
    }

    /** As in the header {@link Passage#ATTEMPT}: {@code <number> <time, RFC 3339> <milliseconds>ms <error>}. */
    String text() {
        return "%d %s %dms %s".formatted(number, time, took.toMillis(), error);
    }

    /** Null if the text is none: what others may have written there is not worth an exception. */
    static @Nullable Attempt parse(String text) {
        String[] parts = text.split(" ", 4);
        if (parts.length < 3 || !parts[2].endsWith("ms")) {
            return null;
        }
        try {
            return new Attempt(
                    Long.parseLong(parts[0]),
                    Instant.parse(parts[1]),
                    Duration.ofMillis(Long.parseLong(parts[2], 0, parts[2].length() - 2, 10)),
                    parts.length == 4 ? parts[3] : "");
        } catch (NumberFormatException | DateTimeException e) {
            return null;
        }
    }
}
