package dev.saf.channel.file;

import dev.saf.channel.Setting;
import dev.saf.channel.Template;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which file events are written to, and how.
 *
 * @param path the file, a template: {@code /var/lib/events/{{subject}}.ndjson}. Folders are made. Required
 * @param sync when what is written is forced to the disk: {@code always} before an event counts as delivered,
 *     {@code never}, or at the latest after a duration. Default: always
 * @param rotateSize a file is renamed before it would grow beyond this size. Default: never
 * @param rotateEvery a file is renamed when such a span of time is over, counted in UTC: {@code 1h}, {@code 1d}. The
 *     next event does it. Default: never
 */
public record FileSettings(
        @Setting(
                value = "The file, one line of JSON per event; a template, such as /data/{{subject}}.ndjson",
                required = true)
        @Nullable
        String path,

        @Setting(
                value = "When lines are forced to the disk: always, before an event counts as delivered; never; or"
                        + " at the latest after a duration, such as 1s",
                byDefault = "always")
        @Nullable
        String sync,

        @Setting("The size beyond which a file does not grow but is renamed, such as 100MB") @Nullable
        String rotateSize,

        @Setting("The span of time, counted in UTC, after which a file is renamed, such as 1h or 1d") @Nullable
        Duration rotateEvery) {

    private static final Pattern SIZE = Pattern.compile("(\\d{1,9})(B|KB|MB|GB)?");
    private static final Map<String, Long> UNITS = Map.of("B", 1L, "KB", 1L << 10, "MB", 1L << 20, "GB", 1L << 30);
    private static final Pattern SPAN = Pattern.compile("(\\d{1,9})(ms|s|m|h)");
    private static final Map<String, Duration> SPANS = Map.of(
            "ms",
            Duration.ofMillis(1),
            "s",
            Duration.ofSeconds(1),
            "m",
            Duration.ofMinutes(1),
            "h",
            Duration.ofHours(1));

    /** Refuses what no file can be written by. */
    public FileSettings {
        if (path == null || path.isBlank()) {
            throw new IllegalArgumentException(
                    "path: is missing; it says which file to write, such as /var/lib/events/{{subject}}.ndjson");
        }
        if (path.endsWith("/")) {
            throw new IllegalArgumentException("path: must name a file, and ends with a / like a folder");
        }
        var _ = Template.of("path", path);
        sync = sync == null ? "always" : sync.strip().toLowerCase(Locale.ROOT);
        var _ = Sync.of(sync);
        var _ = bytes(rotateSize);
        if (rotateEvery != null
                && (rotateEvery.compareTo(Duration.ofSeconds(1)) < 0
                        || rotateEvery.compareTo(Duration.ofDays(366)) > 0)) {
            throw new IllegalArgumentException("rotate-every: must be between 1s and 366d");
        }
    }

    Sync syncing() {
        return Sync.of(sync == null ? "always" : sync);
    }

    Rotation rotation() {
        return new Rotation(bytes(rotateSize), rotateEvery);
    }

    /**
     * When lines are forced to the disk.
     *
     * @param always whether before an event counts as delivered
     * @param every how long they may wait for it otherwise, null if nobody forces them
     */
    record Sync(boolean always, @Nullable Duration every) {

        static Sync of(String text) {
            if (text.equals("always") || text.equals("never")) {
                return new Sync(text.equals("always"), null);
            }
            Matcher span = SPAN.matcher(text);
            Duration unit = span.matches() ? SPANS.get(span.group(2)) : null;
            Duration every = unit == null ? Duration.ZERO : unit.multipliedBy(Long.parseLong(span.group(1)));
            if (every.compareTo(Duration.ofMillis(10)) < 0 || every.compareTo(Duration.ofHours(1)) > 0) {
                throw new IllegalArgumentException(
                        "sync: must be always, never, or a duration between 10ms and 1h, such as 1s; is '" + text
                                + "'");
            }
            return new Sync(false, every);
        }
    }

    private static long bytes(@Nullable String size) {
        if (size == null) {
            return Long.MAX_VALUE;
        }
        Matcher matcher = SIZE.matcher(size.strip().toUpperCase(Locale.ROOT));
        Long unit = matcher.matches() ? UNITS.get(matcher.group(2) == null ? "B" : matcher.group(2)) : null;
        long bytes = unit == null ? 0 : unit * Long.parseLong(matcher.group(1));
        if (bytes < 1) {
            throw new IllegalArgumentException(
                    "rotate-size: must be a size of at least 1B, such as 512KB, 100MB, 1GB; is '" + size + "'");
        }
        return bytes;
    }
}
