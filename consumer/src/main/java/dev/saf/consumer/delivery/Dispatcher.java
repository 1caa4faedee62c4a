package dev.saf.consumer.delivery;

import dev.saf.channel.Channel;
import dev.saf.channel.RejectedEventException;
import dev.saf.channel.RetryAfterException;
import dev.saf.event.Event;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Offers events to a channel. Knows nothing of NATS. */
final class Dispatcher {

    private static final int MAX_ERROR_LENGTH = 500;

    private final Channel channel;
    private final Duration artificialSleep;

    Dispatcher(Channel channel, Duration artificialSleep) {
        this.channel = channel;
        this.artificialSleep = artificialSleep;
    }

    /** Never throws: whatever a channel throws, even an {@link Error}, is its own affair. */
    @SuppressWarnings("InterruptedExceptionSwallowed") // only the deadline interrupts, and knows that it did
    Outcome offer(Event event) {
        try {
            if (!artificialSleep.isZero()) {
                Thread.sleep(artificialSleep);
            }
            channel.deliver(event);
            return new Outcome.Taken();
        } catch (RejectedEventException e) {
            return new Outcome.Rejected(bounded(String.valueOf(message(e))));
        } catch (RetryAfterException e) {
            return new Outcome.Failed(describe(e), true, e.pause());
        } catch (IOException | InterruptedException e) {
            return Outcome.Failed.ofDestination(describe(e));
        } catch (Throwable e) {
            return Outcome.Failed.ofEvent(describe(e));
        }
    }

    /** An error in one line of bounded length, for people. */
    static String describe(Throwable e) {
        String type = e.getClass().getSimpleName();
        String message = message(e);
        return bounded(message == null ? type : type + ": " + message);
    }

    /** Also that is a channel's own code, and may fail in any way. */
    private static @Nullable String message(Throwable e) {
        try {
            return e.getMessage();
        } catch (Throwable worse) {
            return "and its message fails with " + worse.getClass().getSimpleName();
        }
    }

    private static String bounded(String text) {
        String line = text.replaceAll("\\p{Cntrl}+", " ").strip();
        return line.length() > MAX_ERROR_LENGTH ? line.substring(0, MAX_ERROR_LENGTH) + "…" : line;
    }
}
