package dev.saf.channel.kafka;

import dev.saf.event.CloudEvents;
import dev.saf.event.Event;
import dev.saf.event.TraceContext;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/**
 * An event's attributes as headers of a record: binary mode of the <a
 * href="https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md">Kafka protocol
 * binding of CloudEvents 1.0</a>, section 3.2: {@code ce_*} and {@code content-type} in UTF-8, and nothing encoded. The
 * trace is in {@code traceparent} and {@code tracestate}, where instrumentations look for it.
 */
final class KafkaHeaders {

    private KafkaHeaders() {}

    static List<Header> of(Event event) {
        List<Header> headers = new ArrayList<>();
        add("ce_specversion", CloudEvents.SPEC_VERSION, headers);
        add("ce_id", event.id(), headers);
        add("ce_source", event.source(), headers);
        add("ce_type", event.type(), headers);
        if (event.time() != null) {
            add("ce_time", event.time().toString(), headers);
        }
        event.attributes().forEach((name, value) -> add("ce_" + name, value, headers));
        String contentType = event.payload().contentType();
        if (contentType != null) {
            add(CloudEvents.CONTENT_TYPE, contentType, headers);
        }
        TraceContext trace = event.trace();
        if (trace != null) {
            add(CloudEvents.TRACEPARENT, trace.traceparent(), headers);
            if (trace.tracestate() != null) {
                add(CloudEvents.TRACESTATE, trace.tracestate(), headers);
            }
        }
        return headers;
    }

    private static void add(String name, String value, List<Header> headers) {
        headers.add(new RecordHeader(name, value.getBytes(StandardCharsets.UTF_8)));
    }
}
