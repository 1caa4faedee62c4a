package dev.saf.consumer.operations;

import dev.saf.consumer.delivery.Replay;
import dev.saf.consumer.delivery.ReplayDurables.Progress;
import dev.saf.consumer.delivery.RunningChannel;
import dev.saf.consumer.delivery.RunningReplay;
import dev.saf.consumer.operations.Jobs.Seen;
import dev.saf.consumer.operations.ReplayJob.Count;
import java.io.IOException;
import java.time.Instant;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** One replay, in the process that sees to it. */
final class ReplayWork implements Work<ReplayJob> {

    private final Replays replays;
    private final Jobs<ReplayJob> jobs;
    private final @Nullable RunningChannel channel;
    private final BooleanSupplier alone;
    private @Nullable RunningReplay running;

    /** @param channel null if this process does not have it, and may only clear away what is left */
    ReplayWork(Replays replays, Jobs<ReplayJob> jobs, @Nullable RunningChannel channel, BooleanSupplier alone) {
        this.replays = replays;
        this.jobs = jobs;
        this.channel = channel;
        this.alone = alone;
    }

    @Override
    public void step(Seen<ReplayJob> seen) throws IOException {
        ReplayJob job = seen.job();
        if (!job.standing().isRunning()) {
            clear(seen);
        } else if (channel == null) {
            return;
        } else if (job.prepared()) {
            goOn(seen, channel);
        } else {
            channel.prepare(job.replay());
            var _ = jobs.replace(seen, job.withDurable());
        }
    }

    /** The end has been written down, so from here on nothing is lost that anybody needs. */
    private void clear(Seen<ReplayJob> seen) throws IOException {
        RunningReplay stopped = running;
        leave();
        replays.durables().delete(seen.job().channel(), seen.job().id());
        if (stopped != null) {
            stopped.forget();
        }
        var _ = jobs.replace(seen, seen.job().with(seen.job().standing().nothingLeft()));
    }

    private void goOn(Seen<ReplayJob> seen, RunningChannel channel) throws IOException {
        ReplayJob job = seen.job();
        Progress progress = replays.durables().look(job.channel(), job.id());
        if (progress == null) {
            fail(seen, "its durable consumer is gone, and with it the memory of how far it had come");
        } else if (isDone(job.replay(), progress)) {
            Count all = new Count(job.total(), job.total());
            var _ = jobs.replace(seen, job.ended(all, job.standing().ended(Standing.State.DONE, Instant.now())));
        } else if (running == null) {
            running = channel.replay(job.replay(), alone);
        } else if (running.problem() != null) {
            fail(seen, running.problem());
        } else if (running.hasMetEnd()) {
            replays.durables().end(job.channel(), job.id());
            running.resume();
        }
    }

    private void fail(Seen<ReplayJob> seen, String why) throws IOException {
        ReplayJob job = seen.job();
        var _ = jobs.replace(seen, job.ended(null, job.standing().failed(why, Instant.now())));
    }

    /** The floor may be below the end with nothing in between; and then it is the stream that knows. */
    private boolean isDone(Replay replay, Progress progress) throws IOException {
        return progress.settled() >= replay.until()
                || (progress.unsettled() == 0 && replays.hasNothingBeyond(replay, progress.handedOut()));
    }

    @Override
    public void leave() {
        if (running != null && channel != null) {
            channel.stop(running);
            running = null;
        }
    }
}
