package dev.saf.consumer.operations;

import dev.saf.consumer.ledger.DeadLetters;
import dev.saf.consumer.ledger.SharedState;
import dev.saf.consumer.operations.RedriveJob.Counts;
import io.nats.client.JetStreamApiException;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Sends many dead letters again. */
final class Redrives implements Jobs.Craft<RedriveJob> {

    private final RedriveWork.Tools tools;
    private final Jobs<RedriveJob> jobs;
    private final InstantSource clock = InstantSource.system();

    Redrives(RedriveWork.Tools tools, SharedState state) {
        this.tools = tools;
        this.jobs = new Jobs<>("redrive", RedriveJob.class, state, this);
    }

    /**
     * Checks whether those a filter selects can be sent again.
     *
     * @throws RefusedException if there is something wrong with it
     */
    void check(DeadLetterFilter filter) throws IOException, JetStreamApiException {
        filter.check(clock.instant(), tools.channels(), tools.letters());
        String problem = filter.channel() == null ? null : tools.channels().problem(filter.channel());
        if (problem != null) {
            throw RefusedException.conflict(problem);
        }
        requireDeletable(tools.letters());
    }

    /** What cannot be deleted would be sent again each time. */
    static void requireDeletable(DeadLetters letters) throws IOException, JetStreamApiException {
        if (!letters.canBeDeleted()) {
            throw RefusedException.conflict(
                    "The stream dead-letters has deny-delete, so no dead letter can be deleted, nor sent only once.");
        }
    }

    /** How many there are now. */
    long count(DeadLetterFilter filter) throws IOException, JetStreamApiException {
        return count(job(filter, 1));
    }

    private long count(RedriveJob all) throws IOException {
        long[] count = new long[1];
        var _ = tools.letters().read(all.filter().subjects(), 1, all.filter().since(), Long.MAX_VALUE, letter -> {
            boolean beyond = all.isBeyond(letter);
            if (!beyond && all.filter().matches(letter)) {
                count[0]++;
            }
            return !beyond;
        });
        return count[0];
    }

    /** Begins with all there are now. */
    RedriveView begin(DeadLetterFilter filter, double rate) throws IOException, JetStreamApiException {
        RedriveJob all = job(filter, rate);
        RedriveJob job = all.ofAll(count(all));
        jobs.begin(job);
        return RedriveView.of(job);
    }

    private RedriveJob job(DeadLetterFilter filter, double rate) throws IOException, JetStreamApiException {
        Instant now = clock.instant();
        return new RedriveJob(
                Jobs.newId(now),
                filter,
                rate,
                tools.letters().last(),
                1,
                0,
                Counts.NONE,
                List.of(),
                null,
                Standing.begun(now));
    }

    /** The youngest first. */
    List<RedriveView> all() throws IOException {
        return jobs.all().stream().map(RedriveView::of).toList();
    }

    /** Null if there is none of this id, or not any more. */
    @Nullable
    RedriveView get(String id) throws IOException {
        Jobs.Seen<RedriveJob> seen = jobs.get(id);
        return seen == null ? null : RedriveView.of(seen.job());
    }

    /**
     * Ends one; what has been sent is sent.
     *
     * @return null if there is none of this id
     * @throws RefusedException if it has ended
     */
    @Nullable
    RedriveView cancel(String id) throws IOException {
        RedriveJob after =
                jobs.change(id, job -> job.with(job.standing().ended(Standing.State.CANCELLED, clock.instant())));
        return after == null ? null : RedriveView.of(after);
    }

    @Override
    public Jobs<RedriveJob> jobs() {
        return jobs;
    }

    @Override
    public boolean knows(RedriveJob job) {
        return true;
    }

    @Override
    public Work<RedriveJob> begin(RedriveJob job, BooleanSupplier alone) {
        return new RedriveWork(tools, jobs, alone);
    }
}
