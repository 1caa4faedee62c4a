package dev.saf.consumer.operations;

import dev.saf.consumer.ledger.DeadLetter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A redrive of many dead letters, as all processes know it: enough to go on after a crash, with each dead letter
 * counted once.
 *
 * @param filter which dead letters
 * @param rate how many a second
 * @param bound the last dead letter that counts, by sequence
 * @param next the dead letter to go on with, by sequence
 * @param matched how many there were in the beginning
 * @param sent those that are counted as redriven and may not be deleted yet
 * @param error why the last one of the failed could not be sent, null if none failed
 */
record RedriveJob(
        String id,
        DeadLetterFilter filter,
        double rate,
        long bound,
        long next,
        long matched,
        Counts counts,
        List<Long> sent,
        @Nullable String error,
        Standing standing)
        implements Job {

    /**
     * What became of dead letters.
     *
     * @param redriven sent again
     * @param skipped gone meanwhile, or without a channel to go to
     * @param failed refused by NATS, and still there
     */
    record Counts(long redriven, long skipped, long failed) {

        static final Counts NONE = new Counts(0, 0, 0);
        static final Counts REDRIVEN = new Counts(1, 0, 0);
        static final Counts SKIPPED = new Counts(0, 1, 0);
        static final Counts FAILED = new Counts(0, 0, 1);

        Counts plus(Counts other) {
            return new Counts(redriven + other.redriven, skipped + other.skipped, failed + other.failed);
        }

        long all() {
            return redriven + skipped + failed;
        }
    }

    /** Whether the time or the bound says that this one and all after it do not count. */
    boolean isBeyond(DeadLetter letter) {
        return letter.sequence() > bound || filter.isOver(letter);
    }

    /** Some further on. */
    RedriveJob further(long to, Counts more, List<Long> justSent, @Nullable String problem) {
        return new RedriveJob(
                id,
                filter,
                rate,
                bound,
                to,
                matched,
                counts.plus(more),
                justSent,
                problem == null ? error : problem,
                standing);
    }

    /** What was there in the beginning and was not met has gone meanwhile. */
    RedriveJob withoutTheGone() {
        return further(next, new Counts(0, Math.max(0, matched - counts.all()), 0), sent, null);
    }

    RedriveJob ofAll(long count) {
        return new RedriveJob(id, filter, rate, bound, next, count, counts, sent, error, standing);
    }

    RedriveJob with(Standing changed) {
        return new RedriveJob(id, filter, rate, bound, next, matched, counts, sent, error, changed);
    }
}
