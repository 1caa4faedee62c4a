package dev.saf.consumer.delivery;

import io.nats.client.Message;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * One event on its way through one channel, from the message to the confirmed settlement. First the channel is called,
 * on a thread that may be interrupted when the time is up; then, from {@link #end} on, never again.
 */
final class Delivery {

    private static final int RUNNING = 0;
    private static final int INTERRUPTING = 1;
    private static final int INTERRUPTED = 2;
    private static final int ENDED = 3;

    final Source source;
    final Position position;

    /** When the channel was called; before that, when the message came. */
    volatile long startedNanos;

    private final AtomicInteger state = new AtomicInteger(RUNNING);
    private volatile Message message;
    private volatile @Nullable Thread thread;
    private volatile boolean settling;
    private volatile boolean released;
    private volatile boolean counts;
    private volatile @Nullable String event;
    private int computing;

    /** When the server last heard that somebody works on the event. */
    volatile long lastProgressNanos;

    /** Its place among others, null if it has none. */
    volatile Order.@Nullable Ticket ticket;

    /** Where it is once this message is settled, null for nowhere. */
    volatile Order.@Nullable Parked parked;

    volatile long ackSentNanos;
    int ackRepeats;

    Delivery(Source source, Message message, Position position, long nowNanos) {
        this.source = source;
        this.message = message;
        this.position = position;
        this.startedNanos = nowNanos;
        this.lastProgressNanos = nowNanos;
    }

    Message message() {
        return message;
    }

    /** The server has handed out the same event again; from now on it is this message that is answered. */
    void renew(Message newer, long receivedNanos) {
        message = newer;
        lastProgressNanos = receivedNanos;
    }

    /** Whether it has been handed out more often than any failure explains. */
    boolean isSuspect() {
        return position.deliveries() > Settlement.MAX_HANDED_OUT && !source.givenBack.wasBefore(position);
    }

    void begin(Thread current, long nowNanos) {
        startedNanos = nowNanos;
        thread = current;
    }

    /** Whether the channel has been called. */
    boolean hasBegun() {
        return thread != null;
    }

    /** What is found in the message. */
    void identify(String id) {
        event = id;
    }

    /** The event's id, null before it is known. */
    @Nullable
    String event() {
        return event;
    }

    /**
     * How often in a row the channel was found to compute, or to be in native code, where it cannot be told from
     * computing. For one thread that looks from time to time.
     */
    int lookHowOftenComputing() {
        Thread running = thread;
        boolean now = running != null && state.get() != ENDED && running.getState() == Thread.State.RUNNABLE;
        computing = now ? computing + 1 : 0;
        return computing;
    }

    /** Interrupts the call of the channel, if it still runs and for the first time. */
    boolean interrupt() {
        Thread running = thread;
        if (running == null || !state.compareAndSet(RUNNING, INTERRUPTING)) {
            return false;
        }
        running.interrupt();
        state.set(INTERRUPTED);
        return true;
    }

    boolean isInterrupted() {
        return state.get() == INTERRUPTED;
    }

    /**
     * Ends the call of the channel, on its thread: an acknowledgement sent by an interrupted thread would be lost
     * silently.
     *
     * @return whether it was interrupted
     */
    boolean end() {
        boolean interrupted = !state.compareAndSet(RUNNING, ENDED);
        if (interrupted) {
            while (state.get() == INTERRUPTING) {
                Thread.onSpinWait();
            }
            state.set(ENDED);
        }
        // Also one that the channel left behind.
        boolean _ = Thread.interrupted();
        return interrupted;
    }

    /** The server takes the event for settled, or never heard of it: there is nobody to tell how it ends. */
    void release() {
        released = true;
    }

    boolean isReleased() {
        return released;
    }

    /** Whether the channel was called and is not any more. */
    boolean hasEnded() {
        return state.get() == ENDED;
    }

    /** Looked up: this message is the one that counts. */
    void count() {
        counts = true;
    }

    boolean counts() {
        return counts;
    }

    /** What is left is to have the acknowledgement confirmed. */
    void settle() {
        settling = true;
    }

    boolean isSettling() {
        return settling;
    }
}
