package dev.saf.channel.mqtt;

import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.datatypes.MqttTopic;
import com.hivemq.client.mqtt.mqtt5.datatypes.Mqtt5UserProperties;
import com.hivemq.client.mqtt.mqtt5.datatypes.Mqtt5UserPropertiesBuilder;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5Publish;
import dev.saf.channel.RejectedEventException;
import dev.saf.channel.Template;
import dev.saf.event.CloudEvents;
import dev.saf.event.Event;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Events as MQTT messages, as the <a
 * href="https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/mqtt-protocol-binding.md">MQTT protocol
 * binding</a> of CloudEvents says: in binary mode with MQTT 5, each attribute a user property of its own name; in
 * structured mode, as JSON, with MQTT 3.1.1, which has no properties.
 */
final class Messages {

    private final Template topic;
    private final MqttQos qos;
    private final boolean retain;
    private final boolean binary;

    Messages(MqttSettings settings) {
        this.topic = Template.of("topic", Objects.requireNonNull(settings.topic()));
        this.qos = Objects.requireNonNull(MqttQos.fromCode(Objects.requireNonNull(settings.qos())));
        this.retain = Boolean.TRUE.equals(settings.retain());
        this.binary = "5".equals(settings.version());
    }

    Mqtt5Publish of(Event event) throws RejectedEventException {
        try {
            var message = Mqtt5Publish.builder()
                    .topic(MqttTopic.of(topic.fill(event)))
                    .qos(qos)
                    .retain(retain);
            if (!binary) {
                return message.payload(StructuredJson.of(event)).build();
            }
            @Nullable String contentType = event.payload().contentType();
            if (contentType != null) {
                message = message.contentType(contentType);
            }
            return message.userProperties(properties(event))
                    .payload(event.payload().bytes())
                    .build();
        } catch (IllegalArgumentException e) {
            // A topic with a wildcard, an attribute that is too long.
            throw new RejectedEventException("the event cannot be an MQTT message: " + e.getMessage());
        }
    }

    private static Mqtt5UserProperties properties(Event event) {
        Mqtt5UserPropertiesBuilder properties = Mqtt5UserProperties.builder();
        for (Map.Entry<String, String> attribute : CloudEvents.attributes(event).entrySet()) {
            properties = properties.add(attribute.getKey(), attribute.getValue());
        }
        return properties.build();
    }
}
