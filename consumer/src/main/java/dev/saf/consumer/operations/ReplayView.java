package dev.saf.consumer.operations;

import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A replay, for people.
 *
 * @param state running, done, cancelled or failed
 * @param total how many events it had in the beginning
 * @param delivered how many of them have been handed out at least once; null if that is not known
 * @param settled how many of them are delivered, parked or dead letters; null if that is not known
 * @param problem why it failed, null if it did not
 */
record ReplayView(
        String id,
        String channel,

        @Schema(description = "running, done, cancelled or failed")
        String state,

        long fromSequence,
        long untilSequence,
        List<String> subjects,
        @Nullable Double rate,
        Instant begun,
        @Nullable Instant ended,

        @Schema(description = "How many events it had in the beginning")
        long total,

        @Schema(description = "How many of them have been handed out at least once; null if that is not known")
        @Nullable
        Long delivered,

        @Schema(description = "How many of them are delivered, parked or dead letters; null if that is not known")
        @Nullable
        Long settled,

        @Schema(description = "Why it failed, null if it did not") @Nullable
        String problem) {

    static ReplayView of(ReplayJob job, ReplayJob.@Nullable Count count) {
        Standing standing = job.standing();
        return new ReplayView(
                job.id(),
                job.channel(),
                standing.state().tag(),
                job.replay().from(),
                job.replay().until(),
                job.replay().subjects(),
                job.replay().rate(),
                standing.begun(),
                standing.ended(),
                job.total(),
                count == null ? null : count.delivered(),
                count == null ? null : count.settled(),
                standing.problem());
    }
}
