package dev.saf.jetstream;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Whether publishing really works, told by the outcomes of real publishes: a server with a full disk still answers
 * every question, but stores nothing.
 *
 * <p>Publishing does not work once failures without a success in between span {@value #SECONDS_OF_FAILURE} seconds. The
 * number of failures does not matter, because hundreds of publishes under way fail together when a leader is elected.
 * It works again as soon as one publish succeeds, the connection was made anew, or a full stream has room again. And
 * since nobody is sent here to try while this service says that it is not ready, silence for
 * {@value #SECONDS_OF_SILENCE} seconds is taken as a reason to let somebody try.
 */
public final class PublishHealth {

    static final int SECONDS_OF_FAILURE = 5;
    static final int SECONDS_OF_SILENCE = 30;

    private record Failures(long firstNanos, long lastNanos, String reason, boolean full) {}

    private final LongSupplier nanoTime;
    private final AtomicReference<@Nullable Failures> failures = new AtomicReference<>();

    /** @param nanoTime as {@link System#nanoTime()} */
    public PublishHealth(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** A publish was confirmed. Costs one volatile read. */
    public void succeeded() {
        if (failures.get() != null) {
            failures.set(null);
        }
    }

    /**
     * A publish failed because of NATS, not because of the event.
     *
     * @param reason as a sentence, without any part of the event
     */
    public void failed(String reason) {
        add(reason, false);
    }

    /**
     * A publish failed because the stream is full.
     *
     * @param reason as a sentence
     */
    public void full(String reason) {
        add(reason, true);
    }

    /** Why publishing does not work, as a sentence; null if it does, or if it is time that somebody tries. */
    public @Nullable String problem() {
        Failures run = failures.get();
        if (run == null) {
            return null;
        }
        Duration span = Duration.ofNanos(run.lastNanos - run.firstNanos);
        Duration silence = Duration.ofNanos(nanoTime.getAsLong() - run.lastNanos);
        return span.toSeconds() < SECONDS_OF_FAILURE || silence.toSeconds() >= SECONDS_OF_SILENCE
                ? null
                : "publishing has not worked for %d seconds: %s"
                        .formatted(span.plus(silence).toSeconds(), run.reason);
    }

    /** The connection was made anew, so what was is no evidence any more. */
    void reconnected() {
        failures.set(null);
    }

    /** A look at the stream has shown room. */
    void room() {
        Failures run = failures.get();
        if (run != null && run.full) {
            failures.compareAndSet(run, null);
        }
    }

    /** Whether the last publish failed, so that it pays to look at the stream. */
    boolean isFailing() {
        return failures.get() != null;
    }

    private void add(String reason, boolean full) {
        long now = nanoTime.getAsLong();
        failures.updateAndGet(run -> new Failures(run == null ? now : run.firstNanos, now, reason, full));
    }
}
