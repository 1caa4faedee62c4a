package dev.saf.jetstream;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.event.TraceContext;
import io.micrometer.tracing.otel.bridge.EventPublishingContextWrapper;
import io.micrometer.tracing.otel.bridge.OtelCurrentTraceContext;
import io.micrometer.tracing.otel.bridge.OtelPropagator;
import io.micrometer.tracing.otel.bridge.OtelTracer;
import io.micrometer.tracing.otel.bridge.Slf4JEventListener;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.ContextStorage;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.trace.ReadWriteSpan;
import io.opentelemetry.sdk.trace.ReadableSpan;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.MDC;

class EventTracingTest {

    static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
    static final String PARENT = "00-" + TRACE + "-00f067aa0ba902b7-01";

    private final List<SpanData> spans = new ArrayList<>();
    private final EventTracing tracing = tracing(Sampler.parentBased(Sampler.alwaysOn()), spans);

    @Test
    void carriesOneTraceFromTheRequestIntoTheMessageAndTheDelivery() {
        EventSpan sending = tracing.startSending(new TraceContext(PARENT, "vendor=1"), event());
        EventSpan delivery = tracing.startDelivery(sending.event(), "audit");
        delivery.end();
        sending.end();

        SpanData consumer = spans.get(0);
        SpanData producer = spans.get(1);
        assertThat(producer.getKind()).isEqualTo(SpanKind.PRODUCER);
        assertThat(producer.getTraceId()).isEqualTo(TRACE);
        assertThat(producer.getParentSpanId()).isEqualTo("00f067aa0ba902b7");
        assertThat(consumer.getKind()).isEqualTo(SpanKind.CONSUMER);
        assertThat(consumer.getTraceId()).isEqualTo(TRACE);
        assertThat(consumer.getParentSpanId()).isEqualTo(producer.getSpanId());
        assertThat(parentOf(sending)).startsWith("00-" + TRACE + "-" + producer.getSpanId() + "-");
        assertThat(parentOf(delivery)).startsWith("00-" + TRACE + "-" + consumer.getSpanId() + "-");
        assertThat(trace(delivery).tracestate()).isEqualTo("vendor=1");
    }

    @Test
    void keepsTheOriginsDecisionNotToRecord() {
        EventSpan sending =
                tracing.startSending(new TraceContext("00-" + TRACE + "-00f067aa0ba902b7-00", null), event());
        EventSpan delivery = tracing.startDelivery(sending.event(), "audit");
        delivery.end();
        sending.end();
        assertThat(spans).isEmpty();
        assertThat(parentOf(delivery)).startsWith("00-" + TRACE).endsWith("-00");
    }

    @Test
    void readsFlagsAsBits() {
        tracing.startSending(new TraceContext("00-" + TRACE + "-00f067aa0ba902b7-03", null), event())
                .end();
        assertThat(spans)
                .singleElement()
                .satisfies(span -> assertThat(span.getTraceId()).isEqualTo(TRACE));
    }

    @Test
    void beginsATraceWhereThereIsNone() {
        EventSpan sending = tracing.startSending(null, event());
        sending.end();
        assertThat(spans.getFirst().getParentSpanId()).isEqualTo("0000000000000000");
        assertThat(parentOf(sending)).contains(spans.getFirst().getTraceId());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "garbage",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
                "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067AA0BA902B7-01",
                "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
                "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
                "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-\r\nX: y"
            })
    void beginsATraceWhereTheParentIsInvalid(String parent) {
        TraceContext invalid = new TraceContext(parent, "vendor=1");
        EventSpan sending = tracing.startSending(invalid, event());
        sending.end();
        assertThat(spans.getFirst().getTraceId()).isNotEqualTo(TRACE);
        assertThat(trace(sending).tracestate()).isNull();
        assertThat(new EventTracing(null, null)
                        .startSending(invalid, event())
                        .event()
                        .trace())
                .isNull();
    }

    @Test
    void acceptsLaterVersions() {
        tracing.startSending(new TraceContext("cc-" + TRACE + "-00f067aa0ba902b7-01-what.ever", null), event())
                .end();
        assertThat(spans.getFirst().getTraceId()).isEqualTo(TRACE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "novalue", "UPPER=1", "a=b=c", "a=ü", "a=b\r\nX: y", "@a=1", "a=1;b=2,,=3"})
    void dropsAnInvalidState(String state) {
        assertThat(TraceParents.valid(new TraceContext(PARENT, state))).isEqualTo(new TraceContext(PARENT, null));
    }

    @Test
    void dropsAStateTooLong() {
        String longest = "a=" + "b".repeat(250) + ",c=" + "d".repeat(250) + ",e=1234";
        assertThat(longest).hasSize(512);
        assertThat(TraceParents.valid(new TraceContext(PARENT, longest))).isEqualTo(new TraceContext(PARENT, longest));
        assertThat(TraceParents.valid(new TraceContext(PARENT, longest + "5")))
                .isEqualTo(new TraceContext(PARENT, null));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a=1", "vendor@sys=a b-c, other=:;", "a=1,,b=2", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"})
    void keepsAValidState(String state) {
        TraceContext context = new TraceContext(PARENT, state);
        assertThat(TraceParents.valid(context)).isEqualTo(context);
    }

    @Test
    void passesTheTraceOnUnchangedWhereTracingIsOff() {
        EventTracing off = new EventTracing(null, null);
        TraceContext context = new TraceContext("00-" + TRACE + "-00f067aa0ba902b7-03", "vendor=1");
        EventSpan sending = off.startSending(context, event());
        assertThat(sending.event().trace()).isEqualTo(context);
        EventSpan delivery = off.startDelivery(sending.event(), "audit");
        assertThat(delivery.event()).isEqualTo(event().withTrace(context));
        try (EventSpan.Scope _ = delivery.open()) {
            delivery.fail("no luck");
        }
    }

    @Test
    void isTheCurrentSpanOfTheThreadWhileOpen() {
        EventSpan delivery = tracing.startDelivery(event(), "audit");
        String traceId;
        try (EventSpan.Scope _ = delivery.open()) {
            traceId = MDC.get("traceId");
        }
        delivery.end();
        assertThat(traceId).isEqualTo(spans.getFirst().getTraceId());
        assertThat(MDC.get("traceId")).isNull();
    }

    @Test
    void keepsTheReasonOfAFailure() {
        EventSpan delivery = tracing.startDelivery(event(), "audit");
        delivery.fail("the destination is down");
        assertThat(spans.getFirst().getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
        assertThat(spans.getFirst().getStatus().getDescription()).isEqualTo("the destination is down");
    }

    static EventTracing tracing(Sampler sampler, List<SpanData> ended) {
        io.opentelemetry.api.trace.Tracer tracer = SdkTracerProvider.builder()
                .setSampler(sampler)
                .addSpanProcessor(new Keeping(ended))
                .build()
                .get("test");
        Slf4JEventListener log = new Slf4JEventListener();
        ContextStorage.addWrapper(storage -> new EventPublishingContextWrapper(log::onEvent).apply(storage));
        return new EventTracing(
                new OtelTracer(tracer, new OtelCurrentTraceContext(), log::onEvent),
                new OtelPropagator(ContextPropagators.create(W3CTraceContextPropagator.getInstance()), tracer));
    }

    private static String parentOf(EventSpan span) {
        return trace(span).traceparent();
    }

    private static TraceContext trace(EventSpan span) {
        return requireNonNull(span.event().trace());
    }

    private static Event event() {
        return new Event(
                "orders.placed",
                "1",
                Event.DEFAULT_SOURCE,
                "orders.placed",
                Instant.EPOCH,
                Payload.of("{}".getBytes(StandardCharsets.UTF_8), "application/json"),
                Map.of(),
                null);
    }

    private record Keeping(List<SpanData> ended) implements SpanProcessor {

        @Override
        public void onStart(Context parent, ReadWriteSpan span) {}

        @Override
        public boolean isStartRequired() {
            return false;
        }

        @Override
        public void onEnd(ReadableSpan span) {
            ended.add(span.toSpanData());
        }

        @Override
        public boolean isEndRequired() {
            return true;
        }
    }
}
