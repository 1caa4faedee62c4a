package dev.saf.consumer.delivery;

import java.time.Instant;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** All that is between a process and the server, and what may go wrong there. */
final class Network {

    private static final long TIMEOUT = 2000;

    final Timeline timeline;
    final RandomGenerator random;
    final Witness witness;
    final SimulatedBroker broker;
    private final Faults faults;
    private final long faultyUntil;
    private final Consumer<String> story;
    private final boolean told;

    /** @param story is told what happens, null if nobody wants to know */
    Network(
            Timeline timeline,
            RandomGenerator random,
            Witness witness,
            Faults faults,
            long faultyUntil,
            @Nullable Consumer<String> story) {
        this.timeline = timeline;
        this.random = random;
        this.witness = witness;
        this.broker = witness.broker();
        this.faults = faults;
        this.faultyUntil = faultyUntil;
        this.told = story != null;
        this.story = story == null ? _ -> {} : story;
    }

    /** For those who look for a mistake. */
    void say(Object... what) {
        if (told) {
            story.accept(Instant.ofEpochMilli(timeline.now()) + " " + Arrays.toString(what));
        }
    }

    Faults faults() {
        return faults;
    }

    boolean isFaulty() {
        return timeline.now() < faultyUntil;
    }

    /** Whether something of this probability goes wrong now. */
    boolean fails(double probability) {
        if (probability > 0 && isFaulty() && random.nextDouble() < probability) {
            witness.disturbed();
            return true;
        }
        return false;
    }

    /**
     * Asks the server for something.
     *
     * @param work what the server does
     * @param silent what happens if no answer comes in time, whether or not the server has done it
     */
    <T> void request(Supplier<T> work, Consumer<T> answered, Runnable silent) {
        long asked = timeline.now();
        if (fails(faults.late())) {
            timeline.at(asked + TIMEOUT, silent);
            timeline.at(asked + TIMEOUT + random.nextInt((int) TIMEOUT), () -> reach(work));
            return;
        }
        if (fails(faults.lost())) {
            timeline.at(asked + TIMEOUT, silent);
            return;
        }
        if (fails(faults.twice())) {
            timeline.after(random.nextInt((int) TIMEOUT), () -> reach(work));
        }
        timeline.after(delay(), () -> {
            if (!broker.isUp()) {
                witness.disturbed();
                timeline.at(asked + TIMEOUT, silent);
                return;
            }
            T answer = work.get();
            if (fails(faults.unanswered())) {
                timeline.at(asked + TIMEOUT, silent);
            } else {
                timeline.after(delay(), () -> answered.accept(answer));
            }
        });
    }

    /** Tells the server something, and does not hear whether it arrived. */
    void send(Runnable work) {
        if (fails(faults.lost())) {
            return;
        }
        if (fails(faults.twice())) {
            timeline.after(random.nextInt((int) TIMEOUT), () -> reach(work));
        }
        timeline.after(fails(faults.late()) ? TIMEOUT : delay(), () -> reach(work));
    }

    private <T> void reach(Supplier<T> work) {
        if (broker.isUp()) {
            T _ = work.get();
        }
    }

    private void reach(Runnable work) {
        if (broker.isUp()) {
            work.run();
        } else {
            witness.disturbed();
        }
    }

    private long delay() {
        return random.nextLong(1, 4);
    }
}
