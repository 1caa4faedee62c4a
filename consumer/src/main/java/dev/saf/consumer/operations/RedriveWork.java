package dev.saf.consumer.operations;

import dev.saf.consumer.ledger.DeadLetter;
import dev.saf.consumer.ledger.DeadLetters;
import dev.saf.consumer.ledger.Redrive;
import dev.saf.consumer.ledger.StreamReader.Stop;
import dev.saf.consumer.operations.Jobs.Seen;
import dev.saf.consumer.operations.RedriveJob.Counts;
import io.nats.client.JetStreamApiException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Sends many dead letters again, some at a time. What was sent is written down, and only then are those dead letters
 * deleted. So whoever goes on after a crash finds what was sent and not written down still there, learns that it was
 * sent, and counts it: each once.
 */
final class RedriveWork implements Work<RedriveJob> {

    private static final int MOST_AT_A_TIME = 100;
    private static final int MOST_READ = 20_000;
    private static final int TRIES = 10;
    private static final Duration TRY_AGAIN = Duration.ofMillis(100);

    /** Time that was lost is made up for, up to that. */
    private static final long CATCH_UP_NANOS = Duration.ofMillis(50).toNanos();

    private final Tools tools;
    private final Jobs<RedriveJob> jobs;
    private final BooleanSupplier alone;
    private long turnNanos = System.nanoTime();

    /** What it works with. */
    record Tools(DeadLetters letters, Redrive redrive, KnownChannels channels, RedriveMetrics metrics) {}

    /** Some dead letters that are next, and where to go on. */
    private record Part(List<DeadLetter> letters, long next, boolean last) {}

    /** What became of one dead letter. */
    private record Result(
            long sequence, Counts counts, @Nullable String error) {}

    /** @param alone whether nobody else works at it; asks nobody */
    RedriveWork(Tools tools, Jobs<RedriveJob> jobs, BooleanSupplier alone) {
        this.tools = tools;
        this.jobs = jobs;
        this.alone = alone;
    }

    @Override
    public void step(Seen<RedriveJob> seen) throws IOException {
        RedriveJob job = seen.job();
        delete(job.sent());
        if (!job.standing().isRunning()) {
            var _ = jobs.replace(seen, job.with(job.standing().nothingLeft()));
        } else if (turnNanos - System.nanoTime() < Duration.ofSeconds(1).toNanos()) {
            Part part = read(job);
            List<Result> results = send(part.letters(), job.rate());
            RedriveJob after = after(job, part, results);
            if (!jobs.replace(seen, after)) {
                keepCounts(job, after);
            }
        }
    }

    @Override
    public void leave() {
        // What is under way ends within the step.
    }

    private Part read(RedriveJob job) throws IOException {
        int size = (int) Math.clamp(job.rate(), 1, MOST_AT_A_TIME);
        List<DeadLetter> letters = new ArrayList<>();
        boolean[] beyond = new boolean[1];
        Stop stop = tools.letters.read(
                job.filter().subjects(),
                job.next(),
                job.next() == 1 ? job.filter().since() : null,
                job.filter().reason() == null ? size : MOST_READ,
                letter -> {
                    beyond[0] = job.isBeyond(letter);
                    if (!beyond[0] && job.filter().matches(letter)) {
                        letters.add(letter);
                    }
                    return !beyond[0] && letters.size() < size;
                });
        return new Part(letters, stop.next(), beyond[0] || stop.complete());
    }

    private static RedriveJob after(RedriveJob job, Part part, List<Result> results) {
        boolean whole = results.size() == part.letters().size();
        RedriveJob further = job.further(
                whole ? part.next() : part.letters().get(results.size()).sequence(),
                results.stream().map(Result::counts).reduce(Counts.NONE, Counts::plus),
                results.stream()
                        .filter(result -> result.counts().redriven() > 0)
                        .map(Result::sequence)
                        .toList(),
                results.stream()
                        .map(Result::error)
                        .filter(Objects::nonNull)
                        .reduce((_, last) -> last)
                        .orElse(null));
        return whole && part.last()
                ? further.withoutTheGone().with(job.standing().ended(Standing.State.DONE, Instant.now()))
                : further;
    }

    /** If it was cancelled meanwhile, what was sent until then counts nevertheless. */
    private void keepCounts(RedriveJob before, RedriveJob after) throws IOException {
        Seen<RedriveJob> now = jobs.get(before.id());
        if (now != null
                && now.job().standing().state() == Standing.State.CANCELLED
                && now.job().next() == before.next()) {
            var _ = jobs.replace(now, after.with(now.job().standing()));
        }
    }

    /** As many of them as this process may. */
    private List<Result> send(List<DeadLetter> letters, double rate) throws IOException {
        long interval = (long) (Duration.ofSeconds(1).toNanos() / rate);
        List<Future<Result>> results = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (DeadLetter letter : letters) {
                awaitTurn(interval);
                if (!alone.getAsBoolean()) {
                    break;
                }
                results.add(threads.submit(() -> send(letter.sequence())));
            }
        }
        return all(results);
    }

    private void awaitTurn(long interval) {
        for (long left = turnNanos - System.nanoTime(); left > 0; left = turnNanos - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
        turnNanos = Math.max(turnNanos, System.nanoTime() - CATCH_UP_NANOS) + interval;
    }

    private Result send(long sequence) throws IOException {
        for (int i = 0; i < TRIES; i++) {
            DeadLetter letter = tools.letters.find(sequence);
            if (letter == null) {
                return new Result(sequence, Counts.SKIPPED, null);
            }
            try {
                String channel = letter.passage().channel();
                if (tools.channels.problem(channel) != null) {
                    return new Result(sequence, Counts.SKIPPED, null);
                }
                switch (tools.redrive.send(letter)) {
                    case NOW -> {
                        tools.metrics.redriven(channel);
                        return new Result(sequence, Counts.REDRIVEN, null);
                    }
                    case BEFORE -> {
                        return new Result(sequence, Counts.REDRIVEN, null);
                    }
                    // Soon it is known whether that has worked.
                    case AT_THE_SAME_TIME -> LockSupport.parkNanos(TRY_AGAIN.toNanos());
                }
            } catch (JetStreamApiException | IllegalArgumentException e) {
                return new Result(sequence, Counts.FAILED, "dead letter " + sequence + ": " + e.getMessage());
            }
        }
        throw new IOException("nobody could say whether somebody else has sent dead letter " + sequence);
    }

    private void delete(List<Long> sequences) throws IOException {
        List<Future<Boolean>> results = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            sequences.forEach(sequence -> results.add(threads.submit(() -> tools.letters.delete(sequence))));
        }
        var _ = all(results);
    }

    private static <T> List<T> all(List<Future<T>> ended) throws IOException {
        List<T> results = new ArrayList<>();
        for (Future<T> each : ended) {
            if (each.state() == Future.State.FAILED) {
                throw new IOException(each.exceptionNow().getMessage(), each.exceptionNow());
            }
            results.add(each.resultNow());
        }
        return results;
    }
}
