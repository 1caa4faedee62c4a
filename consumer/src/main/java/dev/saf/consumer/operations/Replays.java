package dev.saf.consumer.operations;

import dev.saf.consumer.delivery.Replay;
import dev.saf.consumer.delivery.ReplayDurables;
import dev.saf.consumer.delivery.ReplayDurables.Progress;
import dev.saf.consumer.delivery.RunningChannel;
import dev.saf.consumer.delivery.RunningChannels;
import dev.saf.consumer.ledger.SharedState;
import dev.saf.consumer.ledger.StoredMessages;
import dev.saf.consumer.ledger.StreamReader;
import dev.saf.consumer.operations.ReplayJob.Count;
import dev.saf.event.WireFormat;
import dev.saf.jetstream.Streams;
import io.nats.client.api.MessageInfo;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Offers events of the stream to one channel once more. A replay is a durable of its own beside the channel's: it feeds
 * the same deliveries, marks each event, and touches nobody else's events.
 */
final class Replays implements Jobs.Craft<ReplayJob> {

    private final RunningChannels channels;
    private final ReplayDurables durables;
    private final StoredMessages stored;
    private final StreamReader reader;
    private final Jobs<ReplayJob> jobs;
    private final InstantSource clock = InstantSource.system();

    Replays(
            RunningChannels channels,
            ReplayDurables durables,
            StoredMessages stored,
            StreamReader reader,
            SharedState state) {
        this.channels = channels;
        this.durables = durables;
        this.stored = stored;
        this.reader = reader;
        this.jobs = new Jobs<>("replay", ReplayJob.class, state, this);
    }

    /**
     * The events a request asks for.
     *
     * @throws RefusedException if it asks for what cannot be
     */
    Replay find(RunningChannel channel, ReplayRequest request) throws IOException {
        request.check(channel.subjects(), clock.instant());
        if (!channel.hasDurable()) {
            throw RefusedException.conflict("The channel " + channel.name() + " has mode: core and gets only what is"
                    + " published while it listens, so nothing can be offered to it again.");
        }
        long last = reader.lastSequence(Streams.EVENTS);
        within("from_sequence", request.fromSequence(), last);
        within("until_sequence", request.untilSequence(), last);
        return new Replay(
                Jobs.newId(clock.instant()),
                first(request, last),
                end(request, last),
                request.subjects() == null ? channel.subjects() : request.subjects(),
                request.rate());
    }

    private static void within(String field, @Nullable Long sequence, long last) {
        if (sequence != null && sequence > last) {
            throw RefusedException.invalid(field, "must not be beyond the last event, which is " + last + " now");
        }
    }

    private long first(ReplayRequest request, long last) throws IOException {
        if (request.fromSequence() != null) {
            return request.fromSequence();
        }
        return request.fromTime() == null ? 1 : since(request.fromTime(), last);
    }

    private long end(ReplayRequest request, long last) throws IOException {
        if (request.untilSequence() != null) {
            return request.untilSequence();
        }
        return request.until() == null ? last : since(request.until().plusNanos(1), last) - 1;
    }

    /** The first sequence that was stored at a time or later; the one after the last if there is none. */
    private long since(Instant time, long last) throws IOException {
        MessageInfo found = stored.since(Streams.EVENTS, time.atZone(ZoneOffset.UTC));
        return found == null ? last + 1 : Math.min(found.getSeq(), last + 1);
    }

    /** How many events a replay has now. */
    long count(Replay replay) throws IOException {
        return countFrom(replay, replay.from());
    }

    private long countFrom(Replay replay, long from) throws IOException {
        return from > replay.until() ? 0 : reader.count(Streams.EVENTS, filters(replay), from, replay.until());
    }

    private static List<String> filters(Replay replay) {
        return replay.subjects().stream()
                .map(subject -> WireFormat.SUBJECT_PREFIX + subject)
                .toList();
    }

    ReplayView begin(RunningChannel channel, Replay replay) throws IOException {
        ReplayJob job =
                new ReplayJob(channel.name(), replay, count(replay), false, null, Standing.begun(clock.instant()));
        jobs.begin(job);
        return view(job);
    }

    /** Null if there is none of this id, or not any more. */
    @Nullable
    ReplayView get(String id) throws IOException {
        Jobs.Seen<ReplayJob> seen = jobs.get(id);
        return seen == null ? null : view(seen.job());
    }

    /**
     * Some of all replays, the youngest first.
     *
     * @param channel null for all
     * @param from the first one is this one or the next older one
     */
    List<ReplayView> list(@Nullable String channel, long from, int most) throws IOException {
        List<ReplayView> list = new ArrayList<>();
        for (ReplayJob job : jobs.all()) {
            if (Jobs.number(job.id()) <= from
                    && (channel == null || job.channel().equals(channel))
                    && list.size() < most) {
                list.add(view(job));
            }
        }
        return list;
    }

    /**
     * Ends a replay. What has begun goes on; what is parked comes once more.
     *
     * @return null if there is none of this id
     * @throws RefusedException if it has ended
     */
    @Nullable
    ReplayView cancel(String id) throws IOException {
        Jobs.Seen<ReplayJob> seen = jobs.get(id);
        Count count = seen == null ? null : progress(seen.job());
        ReplayJob after = jobs.change(
                id, job -> job.ended(count, job.standing().ended(Standing.State.CANCELLED, clock.instant())));
        return after == null ? null : view(after);
    }

    private ReplayView view(ReplayJob job) throws IOException {
        return ReplayView.of(job, progress(job));
    }

    private @Nullable Count progress(ReplayJob job) throws IOException {
        if (!job.standing().isRunning()) {
            return job.last();
        }
        Progress progress = job.prepared() ? durables.look(job.channel(), job.id()) : null;
        if (progress == null) {
            return job.prepared() ? null : new Count(0, 0);
        }
        long left = countFrom(job.replay(), progress.handedOut() + 1);
        long delivered = Math.clamp(job.total() - left, 0, job.total());
        return new Count(delivered, Math.max(0, delivered - progress.unsettled()));
    }

    @Override
    public Jobs<ReplayJob> jobs() {
        return jobs;
    }

    @Override
    public boolean knows(ReplayJob job) {
        return channels.find(job.channel()) != null;
    }

    @Override
    public Work<ReplayJob> begin(ReplayJob job, BooleanSupplier alone) {
        return new ReplayWork(this, jobs, channels.find(job.channel()), alone);
    }

    /** Whether the stream has nothing more for a replay beyond a sequence. Asks the leader, which knows all. */
    boolean hasNothingBeyond(Replay replay, long sequence) throws IOException {
        if (sequence >= replay.until()) {
            return true;
        }
        for (String filter : filters(replay)) {
            MessageInfo next = stored.next(Streams.EVENTS, sequence + 1, filter);
            if (next != null && next.getSeq() <= replay.until()) {
                return false;
            }
        }
        return true;
    }

    ReplayDurables durables() {
        return durables;
    }
}
