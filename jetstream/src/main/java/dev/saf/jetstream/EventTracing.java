package dev.saf.jetstream;

import dev.saf.event.CloudEvents;
import dev.saf.event.Event;
import dev.saf.event.TraceContext;
import dev.saf.event.WireFormat;
import io.micrometer.tracing.Span;
import io.micrometer.tracing.Tracer;
import io.micrometer.tracing.propagation.Propagator;
import org.jspecify.annotations.Nullable;

/**
 * Carries traces along with events: the sender's trace goes into the message, and the message's into the delivery.
 * Spans are made by hand, because an observation for every event costs as much as handling it.
 */
public final class EventTracing {

    private static final TraceContext NO_PARENT = new TraceContext("", null);

    private static final Propagator.Getter<TraceContext> GETTER = new Propagator.Getter<>() {
        @Override
        public @Nullable String get(TraceContext carrier, String key) {
            return switch (key) {
                case CloudEvents.TRACEPARENT -> carrier.traceparent();
                case CloudEvents.TRACESTATE -> carrier.tracestate();
                default -> null;
            };
        }
    };

    private static final class Injected {
        private @Nullable String parent;
        private @Nullable String state;

        void set(String key, String value) {
            switch (key) {
                case CloudEvents.TRACEPARENT -> parent = value;
                case CloudEvents.TRACESTATE -> state = value;
                default -> {}
            }
        }
    }

    private final @Nullable Tracer tracer;
    private final @Nullable Propagator propagator;

    /** Without a tracer and a propagator, traces are passed on as they come. */
    public EventTracing(@Nullable Tracer tracer, @Nullable Propagator propagator) {
        boolean off = tracer == null
                || Tracer.NOOP.equals(tracer)
                || propagator == null
                || Propagator.NOOP.equals(propagator);
        this.tracer = off ? null : tracer;
        this.propagator = off ? null : propagator;
    }

    /**
     * Begins to send an event.
     *
     * @param incoming the trace context of the request, null if it had none; what is invalid in it is ignored
     * @return to be ended when the event is stored or is not; its event is the one to store
     */
    public EventSpan startSending(@Nullable TraceContext incoming, Event event) {
        return start(TraceParents.valid(incoming), event, Span.Kind.PRODUCER, "send events", null);
    }

    /**
     * Begins to deliver an event.
     *
     * @param event as it was read from the stream; what is invalid in its trace context is ignored
     * @return to be ended when the delivery has; its event is the one to hand to the channel
     */
    public EventSpan startDelivery(Event event, String channel) {
        return start(TraceParents.valid(event.trace()), event, Span.Kind.CONSUMER, "deliver " + channel, channel);
    }

    /** Whether there are spans of our own. */
    boolean isOn() {
        return tracer != null;
    }

    private EventSpan start(
            @Nullable TraceContext parent, Event event, Span.Kind kind, String name, @Nullable String channel) {
        if (tracer == null || propagator == null) {
            return new EventSpan(event.withTrace(parent), null, null);
        }
        Span span = propagator
                .extract(parent == null ? NO_PARENT : parent, GETTER)
                .kind(kind)
                .name(name)
                .start();
        if (!span.isNoop()) {
            span.tag("messaging.system", "nats")
                    .tag("messaging.operation.type", kind == Span.Kind.PRODUCER ? "send" : "process")
                    .tag("messaging.destination.name", WireFormat.natsSubject(event))
                    .tag("messaging.message.id", event.id());
            if (channel != null) {
                span.tag("saf.channel", channel);
            }
        }
        Injected injected = new Injected();
        propagator.inject(span.context(), injected, (_, key, value) -> injected.set(key, value));
        String traceparent = injected.parent;
        TraceContext own = traceparent == null ? parent : new TraceContext(traceparent, injected.state);
        return new EventSpan(event.withTrace(own), span, tracer);
    }
}
