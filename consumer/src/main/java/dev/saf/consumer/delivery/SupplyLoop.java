package dev.saf.consumer.delivery;

import dev.saf.consumer.delivery.Supply.Condition;
import dev.saf.consumer.delivery.Supply.State;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The thread of a supply, from its start to its stop, and how the supply is. */
final class SupplyLoop {

    private static final Logger log = LoggerFactory.getLogger(SupplyLoop.class);

    private final Source source;
    private final Thread.Builder threads;
    private final Runnable work;
    private volatile Condition condition = new Condition(State.WAITING, "has not started yet");
    private volatile boolean stopping;
    private volatile @Nullable Thread thread;

    /** @param work what the thread does until {@link #isStopping} */
    SupplyLoop(Source source, Thread.Builder threads, Runnable work) {
        this.source = source;
        this.threads = threads.name(source.durable());
        this.work = work;
    }

    Condition condition() {
        return condition;
    }

    void start() {
        thread = threads.start(work);
    }

    void stop() {
        stopping = true;
        LockSupport.unpark(thread);
    }

    boolean isStopping() {
        return stopping;
    }

    void awaitStop() {
        Thread running = thread;
        if (running != null) {
            try {
                running.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        condition = new Condition(State.STOPPED, "the service stops");
    }

    /** For its own thread; ends early when it is stopped. */
    void pause(Duration duration) {
        if (!stopping) {
            LockSupport.parkNanos(duration.toNanos());
        }
    }

    /**
     * Says how the supply is, also to the log if that is new.
     *
     * @param problem a sentence, null while running
     */
    void is(State state, @Nullable String problem) {
        Condition before = condition;
        if (before.state() == state && Objects.equals(before.problem(), problem)) {
            return;
        }
        condition = new Condition(state, problem);
        switch (state) {
            case RUNNING -> log.info("channel {}: gets its events", source.name());
            case WAITING -> log.warn("channel {}: waits, {}", source.name(), problem);
            case STOPPED -> log.error("channel {}: stopped, {}", source.name(), problem);
        }
    }
}
