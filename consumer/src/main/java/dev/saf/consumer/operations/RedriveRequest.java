package dev.saf.consumer.operations;

import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Which dead letters are to be sent again, as for {@link DeadLetterFilter}; with nothing given, all of them.
 *
 * @param rate how many a second
 * @param dryRun whether they are only counted
 */
record RedriveRequest(
        @Schema(description = "The channel that did not take them") @Nullable
        String channel,

        @Schema(
                description = "The subject of their events, in which * stands for one token and a last > for one or"
                        + " more")
        @Nullable
        String subject,

        @Schema(description = "Why they are dead letters") @Nullable
        String reason,

        @Schema(description = "Stored then or later") @Nullable
        Instant since,

        @Schema(description = "Stored earlier") @Nullable Instant until,

        @Schema(description = "How many a second, 500 if left out") @Nullable
        Double rate,

        @Schema(description = "Only count them") @Nullable Boolean dryRun) {

    private static final double DEFAULT_RATE = 500;
    private static final double MOST = 10_000;

    DeadLetterFilter filter() {
        return new DeadLetterFilter(channel, subject, reason, since, until);
    }

    /**
     * How many a second.
     *
     * @throws RefusedException if that is none
     */
    double checkedRate() {
        if (rate == null) {
            return DEFAULT_RATE;
        }
        if (!(rate > 0 && rate <= MOST)) {
            throw RefusedException.invalid("rate", "must be more than 0 and at most 10000 (dead letters a second)");
        }
        return rate;
    }

    /** Whether they are only counted. */
    boolean counted() {
        return Boolean.TRUE.equals(dryRun);
    }
}
