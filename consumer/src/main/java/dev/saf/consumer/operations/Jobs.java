package dev.saf.consumer.operations;

import dev.saf.consumer.ledger.Lease;
import dev.saf.consumer.ledger.SharedState;
import dev.saf.consumer.ledger.SharedState.Entry;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;

/**
 * All jobs of one kind. Each is kept in the shared state, and worked on by the one process that holds its lease; if
 * that one falls silent, another one goes on with it within about twelve seconds. One that has ended is forgotten after
 * seven days.
 */
final class Jobs<J extends Job> {

    private static final Logger log = LoggerFactory.getLogger(Jobs.class);
    private static final Duration PERIOD = Duration.ofSeconds(1);
    private static final Duration KEPT = Duration.ofDays(7);
    private static final int MAX_CHANGES = 20;
    private static final int RADIX = 36;
    private static final long IDS_PER_MILLI = (long) RADIX * RADIX * RADIX;

    /** A job, and the revision in which it was seen. */
    record Seen<J extends Job>(J job, long revision) {}

    /** What is particular about jobs of one kind, which are done for as long as the service runs. */
    interface Craft<J extends Job> extends SmartLifecycle {

        Jobs<J> jobs();

        /** Whether this process is able to do it. */
        boolean knows(J job);

        /**
         * What this process does for a job.
         *
         * @param alone whether nobody else works on the job; asks nobody
         */
        Work<J> begin(J job, BooleanSupplier alone);

        @Override
        default void start() {
            jobs().start();
        }

        /** Before the channels, which whoever does such jobs depends on. */
        @Override
        default void stop() {
            jobs().stop();
        }

        @Override
        default boolean isRunning() {
            return jobs().isRunning();
        }
    }

    private final String kind;
    private final Class<J> type;
    private final SharedState state;
    private final Craft<J> craft;
    private final String process =
            ProcessHandle.current().pid() + "@" + System.getenv().getOrDefault("HOSTNAME", "localhost");
    private final Map<String, Thread> followed = new ConcurrentHashMap<>();

    /** Those of which nothing is left, and when they ended. */
    private final Map<String, Instant> over = new ConcurrentHashMap<>();

    private volatile boolean stopping;
    private volatile @Nullable Thread watch;

    /** @param kind one token, the same for all processes */
    Jobs(String kind, Class<J> type, SharedState state, Craft<J> craft) {
        this.kind = kind;
        this.type = type;
        this.state = state;
        this.craft = craft;
    }

    /** An id for a new job. Younger ones come later in the order of {@link #number}. */
    static String newId(Instant now) {
        long number =
                now.toEpochMilli() * IDS_PER_MILLI + ThreadLocalRandom.current().nextLong(IDS_PER_MILLI);
        return Long.toString(number, RADIX);
    }

    /** Of an id of ours. */
    static long number(String id) {
        return Long.parseLong(id, RADIX);
    }

    void begin(J job) throws IOException {
        if (state.create(key(job.id()), job).isEmpty()) {
            throw new IOException("%s %s exists already".formatted(kind, job.id()));
        }
        log.info("{} {}: begun", kind, job.id());
        follow(job.id());
    }

    /** Null if there is none of this id, or not any more. */
    @Nullable
    Seen<J> get(String id) throws IOException {
        Entry entry = state.get(key(id));
        return entry == null ? null : new Seen<>(entry.as(type), entry.revision());
    }

    /** The youngest first. */
    List<J> all() throws IOException {
        List<J> all = new ArrayList<>();
        for (String id : ids()) {
            Seen<J> seen = get(id);
            if (seen != null) {
                all.add(seen.job());
            }
        }
        all.sort(Comparator.comparingLong((J job) -> number(job.id())).reversed());
        return all;
    }

    private List<String> ids() throws IOException {
        return state.keys(kind + ".").stream()
                .map(key -> key.substring(kind.length() + 1))
                .toList();
    }

    /** Replaces what was seen, unless somebody was faster. */
    boolean replace(Seen<J> seen, J after) throws IOException {
        OptionalLong revision = state.update(key(after.id()), after, seen.revision());
        if (revision.isPresent() && !after.standing().isRunning()) {
            if (seen.job().standing().isRunning()) {
                String problem = after.standing().problem();
                log.info(
                        "{} {}: {}{}",
                        kind,
                        after.id(),
                        after.standing().state().tag(),
                        problem == null ? "" : ", " + problem);
            }
        }
        // Whatever is next can be done at once.
        LockSupport.unpark(followed.get(after.id()));
        return revision.isPresent();
    }

    /**
     * Changes a job that is running.
     *
     * @return the job as it is then; null if there is none
     * @throws RefusedException if it is not running any more
     */
    @Nullable
    J change(String id, UnaryOperator<J> change) throws IOException {
        for (int i = 0; i < MAX_CHANGES; i++) {
            Seen<J> seen = get(id);
            if (seen == null) {
                return null;
            }
            Standing standing = seen.job().standing();
            if (!standing.isRunning()) {
                throw RefusedException.conflict(
                        "It is %s since %s.".formatted(standing.state().tag(), standing.ended()));
            }
            J after = change.apply(seen.job());
            if (replace(seen, after)) {
                return after;
            }
            // Another process was faster, or a replica that is behind has answered.
            LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
        }
        throw new IOException("%s %s: others change it all the time".formatted(kind, id));
    }

    boolean isRunning() {
        return watch != null && !stopping;
    }

    void start() {
        watch = Thread.ofVirtual().name("saf-" + kind).start(this::watch);
    }

    /** Leaves all jobs to other processes. */
    void stop() {
        stopping = true;
        LockSupport.unpark(watch);
        followed.values().forEach(LockSupport::unpark);
        try {
            for (Thread each : followed.values()) {
                each.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void watch() {
        while (!stopping) {
            try {
                discover();
            } catch (IOException e) {
                log.debug("{}: nothing new", kind, e);
            } catch (RuntimeException e) {
                log.error("{}: looking for what is to be done failed", kind, e);
            }
            pause();
        }
    }

    private void discover() throws IOException {
        List<String> ids = ids();
        for (String id : ids) {
            Instant ended = over.get(id);
            if (ended == null) {
                follow(id);
            } else if (ended.plus(KEPT).isBefore(Instant.now())) {
                state.delete(key(id));
            }
        }
        Set<String> gone = new HashSet<>(over.keySet());
        gone.removeAll(ids);
        gone.forEach(over::remove);
    }

    private void pause() {
        if (!stopping) {
            LockSupport.parkNanos(PERIOD.toNanos());
        }
    }

    private void follow(String id) {
        Thread thread = Thread.ofVirtual().name("saf-" + kind + "-" + id).unstarted(new Follower(id));
        if (!stopping && followed.putIfAbsent(id, thread) == null) {
            thread.start();
        }
    }

    private String key(String id) {
        return kind + "." + id;
    }

    /** Sees to one job until nothing is left of it. */
    private final class Follower implements Runnable {

        private final String id;
        private final Lease lease;
        private @Nullable Work<J> work;

        Follower(String id) {
            this.id = id;
            this.lease = new Lease(state, key(id), process);
        }

        @Override
        public void run() {
            try {
                while (!stopping && goOn()) {
                    pause();
                }
            } finally {
                leave();
                release();
                followed.remove(id);
            }
        }

        private boolean goOn() {
            try {
                Seen<J> seen = get(id);
                if (seen == null) {
                    return false;
                }
                Standing standing = seen.job().standing();
                if (standing.cleared()) {
                    over.put(id, standing.ended() == null ? Instant.now() : standing.ended());
                    return false;
                }
                if ((!standing.isRunning() || craft.knows(seen.job())) && lease.renew()) {
                    step(seen);
                }
            } catch (IOException e) {
                log.debug("{} {}: not now", kind, id, e);
            } catch (RuntimeException e) {
                log.error("{} {}: failed, and is tried again", kind, id, e);
            }
            if (!lease.held()) {
                leave();
            }
            return true;
        }

        private void step(Seen<J> seen) throws IOException {
            Work<J> current = work;
            if (current == null) {
                current = craft.begin(seen.job(), lease::held);
                work = current;
            }
            current.step(seen);
        }

        private void leave() {
            if (work != null) {
                work.leave();
                work = null;
            }
        }

        private void release() {
            try {
                lease.release();
            } catch (IOException e) {
                log.debug("{} {}: the lease runs out by itself", kind, id, e);
            }
        }
    }
}
