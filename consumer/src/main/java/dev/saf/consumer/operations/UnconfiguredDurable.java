package dev.saf.consumer.operations;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A durable that no channel of this process uses, and what it still holds.
 *
 * @param filters the subjects it gets, empty for all
 * @param pending messages it has not handed out yet
 * @param ackPending messages it has handed out and that are not settled
 * @param oldest the oldest of both, null if there is none
 * @param created since when it exists
 * @param lastActive when it last handed something out or had something settled, null for never
 * @param inUse whether somebody waits for messages from it now, such as another process with other channels
 */
record UnconfiguredDurable(
        String name,
        String stream,
        List<String> filters,
        long pending,
        long ackPending,
        @Nullable Oldest oldest,
        Instant created,
        @Nullable Instant lastActive,
        boolean inUse) {

    /**
     * A message.
     *
     * @param sequence its number in the stream
     */
    record Oldest(long sequence, Instant stored) {}

    /** In a sentence. */
    String text() {
        return "durable consumer " + name + " of stream " + stream + ", which holds " + (pending + ackPending)
                + " messages";
    }
}
