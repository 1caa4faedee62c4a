package dev.saf.consumer.operations;

import dev.saf.consumer.delivery.Replay;
import org.jspecify.annotations.Nullable;

/**
 * A replay, as all processes know it.
 *
 * @param total how many events it had in the beginning
 * @param prepared whether its durable has been made: from then on it is the durable that knows how far it has come
 * @param last how far it has come in the end, as far as that is known; null before
 */
record ReplayJob(
        String channel,
        Replay replay,
        long total,
        boolean prepared,
        @Nullable Count last,
        Standing standing) implements Job {

    /**
     * How far a replay has come.
     *
     * @param delivered how many events have been handed out at least once
     * @param settled how many of them are delivered, parked or dead letters
     */
    record Count(long delivered, long settled) {}

    @Override
    public String id() {
        return replay.id();
    }

    ReplayJob withDurable() {
        return new ReplayJob(channel, replay, total, true, last, standing);
    }

    ReplayJob with(Standing changed) {
        return new ReplayJob(channel, replay, total, prepared, last, changed);
    }

    ReplayJob ended(@Nullable Count counted, Standing how) {
        return new ReplayJob(channel, replay, total, prepared, counted, how);
    }
}
