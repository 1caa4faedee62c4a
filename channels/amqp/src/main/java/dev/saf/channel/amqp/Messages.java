package dev.saf.channel.amqp;

import com.rabbitmq.client.AMQP.BasicProperties;
import dev.saf.event.CloudEvents;
import dev.saf.event.Event;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Date;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Events as AMQP 0-9-1 messages: as the <a
 * href="https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/amqp-protocol-binding.md">AMQP protocol
 * binding</a> of CloudEvents says for AMQP 1.0 in binary mode, whose application properties are AMQP 0-9-1's headers in
 * RabbitMQ. {@code traceparent} and {@code tracestate} are headers of those names, where tracing looks for them. What
 * AMQP has a property for is there, too: message id, type, timestamp.
 */
final class Messages {

    private static final String PREFIX = "cloudEvents_";
    private static final int PERSISTENT = 2;

    private Messages() {}

    /**
     * All of a message but its body.
     *
     * @param further a header of the sender's own
     */
    static BasicProperties properties(Event event, String further, Object value) {
        Map<String, Object> headers = new HashMap<>();
        CloudEvents.attributes(event).forEach((name, attribute) -> headers.put(header(name), attribute));
        headers.put(further, value);
        @Nullable Instant time = event.time();
        return new BasicProperties.Builder()
                .contentType(event.payload().contentType())
                .deliveryMode(PERSISTENT)
                .messageId(shortened(event.id()))
                .type(shortened(event.type()))
                .timestamp(time == null ? null : Date.from(time))
                .headers(headers)
                .build();
    }

    private static String header(String attribute) {
        return attribute.equals(CloudEvents.TRACEPARENT) || attribute.equals(CloudEvents.TRACESTATE)
                ? attribute
                : PREFIX + attribute;
    }

    /** AMQP's properties have room for 255 bytes; the headers have the whole. */
    private static @Nullable String shortened(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length <= 255 ? text : null;
    }
}
