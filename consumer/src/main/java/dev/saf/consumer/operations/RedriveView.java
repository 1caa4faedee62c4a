package dev.saf.consumer.operations;

import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A redrive, for people.
 *
 * @param matched how many there were in the beginning
 * @param error why the last one of the failed could not be sent, null if none failed
 */
record RedriveView(
        String id,

        @Schema(description = "running, done, cancelled or failed")
        String state,

        DeadLetterFilter filter,
        double rate,

        @Schema(description = "How many there were in the beginning")
        long matched,

        long redriven,

        @Schema(description = "Gone meanwhile, or of a channel that is not configured")
        long skipped,

        @Schema(description = "Refused by NATS, and still there")
        long failed,

        @Nullable String error,
        Instant begun,
        @Nullable Instant ended) {

    static RedriveView of(RedriveJob job) {
        Standing standing = job.standing();
        return new RedriveView(
                job.id(),
                standing.state().tag(),
                job.filter(),
                job.rate(),
                job.matched(),
                job.counts().redriven(),
                job.counts().skipped(),
                job.counts().failed(),
                job.error(),
                standing.begun(),
                standing.ended());
    }
}
