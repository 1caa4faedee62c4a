package dev.saf.consumer.delivery;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Events of the stream that are to be offered to one channel once more.
 *
 * @param id short, of [a-z0-9]; tells it from all others
 * @param from the first sequence
 * @param until the last sequence
 * @param subjects which events of the stream, each subject within those of the channel
 * @param rate the most events a second, all attempts counted; null for as many as the channel takes
 */
public record Replay(
        String id,
        long from,
        long until,
        List<String> subjects,
        @Nullable Double rate) {

    /** Keeps the subjects. */
    public Replay {
        subjects = List.copyOf(subjects);
    }
}
