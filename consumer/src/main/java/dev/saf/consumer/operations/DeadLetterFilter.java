package dev.saf.consumer.operations;

import dev.saf.consumer.ledger.DeadLetter;
import dev.saf.consumer.ledger.DeadLetters;
import dev.saf.consumer.ledger.Reason;
import io.swagger.v3.oas.annotations.Parameter;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which dead letters.
 *
 * @param channel of this channel
 * @param subject whose events have such a subject
 * @param reason with this {@link Reason}'s tag
 * @param since stored then or later
 * @param until stored earlier
 */
record DeadLetterFilter(
        @Parameter(description = "The channel that did not take them") @Nullable
        String channel,

        @Parameter(
                description = "The subject of their events, in which * stands for one token and a last > for one or"
                        + " more")
        @Nullable
        String subject,

        @Parameter(description = "Why they are dead letters") @Nullable
        String reason,

        @Parameter(description = "Stored then or later") @Nullable
        Instant since,

        @Parameter(description = "Stored earlier") @Nullable Instant until) {

    private static final Pattern SUBJECT =
            Pattern.compile("(?:(?:[A-Za-z0-9_-]+|\\*)(?:\\.(?:[A-Za-z0-9_-]+|\\*))*(?:\\.>)?)|>");
    private static final int MAX_SUBJECT_LENGTH = 200;
    private static final Pattern CHANNEL = Pattern.compile("[a-z][a-z0-9-]{0,30}");

    /**
     * Checks the values, and that there is such a channel, configured or with dead letters from when it was.
     *
     * @throws RefusedException if there is something wrong
     * @throws IOException if nobody can say
     */
    void check(Instant now, KnownChannels channels, DeadLetters letters) throws IOException {
        List<Violation> violations = new ArrayList<>();
        if (subject != null
                && (subject.length() > MAX_SUBJECT_LENGTH
                        || !SUBJECT.matcher(subject).matches())) {
            violations.add(new Violation(
                    "subject",
                    "must be dot-separated tokens of [A-Za-z0-9_-], in which * stands for one token and a last > for"
                            + " one or more"));
        }
        if (reason != null && Reason.of(reason).isEmpty()) {
            violations.add(new Violation("reason", "must be one of " + String.join(", ", Reason.tags())));
        }
        if (since != null && since.isAfter(now)) {
            violations.add(new Violation("since", "must not lie in the future"));
        }
        if (since != null && until != null && !since.isBefore(until)) {
            violations.add(new Violation("until", "must be later than since"));
        }
        if (!violations.isEmpty()) {
            throw RefusedException.invalid(violations);
        }
        if (channel != null && !channels.has(channel) && !isOld(channel, letters)) {
            throw RefusedException.notFound(
                    "There is no channel of this name: none is configured, and none has left dead letters.");
        }
    }

    private static boolean isOld(String channel, DeadLetters letters) throws IOException {
        return CHANNEL.matcher(channel).matches() && letters.any(DeadLetter.subjects(channel, null));
    }

    /** As much of it as the server can decide. */
    String subjects() {
        return DeadLetter.subjects(channel, subject);
    }

    /** The rest, except for the time. */
    boolean matches(DeadLetter letter) {
        return reason == null || reason.equals(letter.headers().getFirst(DeadLetters.REASON));
    }

    boolean isOver(DeadLetter letter) {
        return until != null && !letter.stored().isBefore(until);
    }
}
