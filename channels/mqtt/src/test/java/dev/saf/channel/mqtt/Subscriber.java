package dev.saf.channel.mqtt;

import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.mqtt5.Mqtt5AsyncClient;
import com.hivemq.client.mqtt.mqtt5.Mqtt5Client;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5Publish;
import dev.saf.peers.Peer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** Somebody who wants to know everything that is published on a broker. */
final class Subscriber implements AutoCloseable {

    final List<Mqtt5Publish> received = new CopyOnWriteArrayList<>();
    private final Mqtt5AsyncClient client;

    Subscriber(Peer mosquitto) {
        this(mosquitto, null, "");
    }

    Subscriber(Peer mosquitto, @Nullable String username, String password) {
        var builder = Mqtt5Client.builder().serverHost("127.0.0.1").serverPort(mosquitto.port());
        if (username != null) {
            builder = builder.simpleAuth()
                    .username(username)
                    .password(password.getBytes(StandardCharsets.UTF_8))
                    .applySimpleAuth();
        }
        client = builder.buildAsync();
        var _ = client.connect().join();
        var _ = client.subscribeWith()
                .topicFilter("#")
                .qos(MqttQos.EXACTLY_ONCE)
                .retainAsPublished(true)
                .callback(received::add)
                .send()
                .join();
    }

    /** The values of a user property, of all messages that have it. */
    List<String> property(String name) {
        return received.stream()
                .flatMap(message -> message.getUserProperties().asList().stream())
                .filter(property -> property.getName().toString().equals(name))
                .map(property -> property.getValue().toString())
                .toList();
    }

    @Override
    public void close() {
        // The broker may be gone.
        var _ = client.disconnect().handle((_, failure) -> failure == null).join();
    }
}
