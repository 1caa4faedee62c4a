package dev.saf.channel.file;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import org.jspecify.annotations.Nullable;

/**
 * When a file makes room for a new one.
 *
 * @param size the most bytes a file may have, unless a single line is longer
 * @param every spans of time, counted from 1970 in UTC, none of which shares a file with another; null if all do
 */
record Rotation(long size, @Nullable Duration every) {

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'").withZone(ZoneOffset.UTC);

    boolean isDue(long length, Instant lastWritten, int more, Instant now) {
        if (length == 0) {
            return false;
        }
        return length > size - more || (every != null && span(lastWritten, every) != span(now, every));
    }

    private static long span(Instant time, Duration every) {
        return Math.floorDiv(time.toEpochMilli(), every.toMillis());
    }

    /** Renames {@code orders.ndjson} to {@code orders-20260102T030405.006Z.ndjson}, and never onto another file. */
    static void rename(Path path, Instant now) throws IOException {
        String name = String.valueOf(path.getFileName());
        int dot = name.lastIndexOf('.');
        String stem = (dot < 1 ? name : name.substring(0, dot)) + "-" + TIME.format(now);
        String extension = dot < 1 ? "" : name.substring(dot);
        Path renamed = path.resolveSibling(stem + extension);
        for (int i = 1; Files.exists(renamed); i++) {
            renamed = path.resolveSibling(stem + "-" + i + extension);
        }
        Files.move(path, renamed);
    }
}
