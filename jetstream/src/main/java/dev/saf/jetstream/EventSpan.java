package dev.saf.jetstream;

import dev.saf.event.Event;
import io.micrometer.tracing.Span;
import io.micrometer.tracing.Tracer;
import org.jspecify.annotations.Nullable;

/** One way of an event, into the stream or to a channel, as part of a trace. To be ended once. */
public final class EventSpan {

    /** The time in which a span is the current one of a thread. */
    @FunctionalInterface
    public interface Scope extends AutoCloseable {

        @Override
        void close();
    }

    /** What a failed span keeps; where it was made is of no interest. */
    private static final class Failure extends Exception {
        Failure(String reason) {
            super(reason, null, false, false);
        }
    }

    private static final Scope NO_SCOPE = () -> {};

    private final Event event;
    private final @Nullable Span span;
    private final @Nullable Tracer tracer;

    EventSpan(Event event, @Nullable Span span, @Nullable Tracer tracer) {
        this.event = event;
        this.span = span;
        this.tracer = tracer;
    }

    /** The event with this span as its trace context. */
    public Event event() {
        return event;
    }

    /** Makes this the current span of the thread, also for its log lines, until the scope is closed there. */
    public Scope open() {
        return span == null || tracer == null ? NO_SCOPE : tracer.withSpan(span)::close;
    }

    /** It went well. */
    public void end() {
        if (span != null) {
            span.end();
        }
    }

    /**
     * It did not go well.
     *
     * @param reason as a sentence, without any part of the payload
     */
    public void fail(String reason) {
        if (span != null) {
            if (!span.isNoop()) {
                span.error(new Failure(reason));
            }
            span.end();
        }
    }
}
