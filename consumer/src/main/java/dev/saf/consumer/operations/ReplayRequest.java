package dev.saf.consumer.operations;

import dev.saf.consumer.delivery.Subjects;
import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which events are to be offered again.
 *
 * @param fromSequence the first sequence of the stream events
 * @param fromTime or: from when on they were stored
 * @param untilSequence the last sequence; default: the last one there is now
 * @param until or: until when they were stored
 * @param subjects of events, within those of the channel; default: all of the channel's
 * @param rate the most events a second; default: as many as the channel takes
 * @param dryRun whether they are only counted
 */
record ReplayRequest(
        @Schema(description = "The first sequence of the stream events") @Nullable
        Long fromSequence,

        @Schema(description = "Or: from when on they were stored") @Nullable
        Instant fromTime,

        @Schema(description = "The last sequence; the last one there is now if left out") @Nullable
        Long untilSequence,

        @Schema(description = "Or: until when they were stored") @Nullable
        Instant until,

        @Schema(description = "Which events, within those of the channel; all of these if left out") @Nullable
        List<String> subjects,

        @Schema(description = "The most events a second; as many as the channel takes if left out") @Nullable
        Double rate,

        @Schema(description = "Only count them") @Nullable Boolean dryRun) {

    /**
     * Checks what can be checked without asking anybody.
     *
     * @param channel the subjects of the channel
     * @throws RefusedException if anything is wrong
     */
    void check(List<String> channel, Instant now) {
        List<Violation> violations = new ArrayList<>();
        if ((fromSequence == null) == (fromTime == null)) {
            violations.add(new Violation("from_sequence", "or from_time must be given, and not both"));
        }
        if (untilSequence != null && until != null) {
            violations.add(new Violation("until_sequence", "and until must not be given both"));
        }
        if (fromSequence != null && fromSequence < 1) {
            violations.add(new Violation("from_sequence", "must be at least 1"));
        }
        if (untilSequence != null && untilSequence < 1) {
            violations.add(new Violation("until_sequence", "must be at least 1"));
        }
        notInFuture(violations, "from_time", fromTime, now);
        notInFuture(violations, "until", until, now);
        if (fromSequence != null && untilSequence != null && untilSequence < fromSequence) {
            violations.add(new Violation("until_sequence", "must not be less than from_sequence"));
        }
        if (fromTime != null && until != null && until.isBefore(fromTime)) {
            violations.add(new Violation("until", "must not be before from_time"));
        }
        if (rate != null && !(rate > 0 && Double.isFinite(rate))) {
            violations.add(new Violation("rate", "must be more than 0 (events a second), or left out"));
        }
        checkSubjects(violations, channel);
        if (!violations.isEmpty()) {
            throw RefusedException.invalid(violations);
        }
    }

    private static void notInFuture(List<Violation> violations, String field, @Nullable Instant time, Instant now) {
        if (time != null && time.isAfter(now)) {
            violations.add(new Violation(field, "must not lie in the future"));
        }
    }

    private void checkSubjects(List<Violation> violations, List<String> channel) {
        if (subjects == null) {
            return;
        }
        try {
            Subjects.check(subjects);
        } catch (IllegalArgumentException e) {
            violations.add(new Violation(
                    "subjects",
                    "must be dot-separated tokens of [A-Za-z0-9_-], in which * stands for one token and a last > for"
                            + " one or more; at least one, and no two with events in common"));
            return;
        }
        if (!subjects.stream().allMatch(each -> Subjects.isWithin(each, channel))) {
            violations.add(new Violation(
                    "subjects", "must each be within those of the channel: " + String.join(", ", channel)));
        }
    }
}
