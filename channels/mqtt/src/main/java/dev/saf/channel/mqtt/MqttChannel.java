package dev.saf.channel.mqtt;

import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.exceptions.ConnectionClosedException;
import com.hivemq.client.mqtt.exceptions.MqttEncodeException;
import com.hivemq.client.mqtt.mqtt5.Mqtt5AsyncClient;
import com.hivemq.client.mqtt.mqtt5.exceptions.Mqtt5ConnAckException;
import com.hivemq.client.mqtt.mqtt5.exceptions.Mqtt5PubAckException;
import com.hivemq.client.mqtt.mqtt5.exceptions.Mqtt5PubRecException;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5Publish;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5PublishResult;
import dev.saf.channel.Channel;
import dev.saf.channel.RejectedEventException;
import dev.saf.event.Event;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * Publishes each event and waits for the broker: for PUBACK with quality of service 1, PUBCOMP with 2; with 0 there is
 * nothing to wait for but the network. A message that the broker does not confirm before the connection ends is not
 * kept for the next one: the event comes again.
 */
final class MqttChannel implements Channel {

    /** Reasons in MQTT 5's PUBACK and PUBREC that are about the message, and will be there tomorrow. */
    private static final Set<String> FINAL_REASONS =
            Set.of("NOT_AUTHORIZED", "TOPIC_NAME_INVALID", "PAYLOAD_FORMAT_INVALID");

    private final Messages messages;
    private final Brokers brokers;

    MqttChannel(Messages messages, Brokers brokers) {
        this.messages = messages;
        this.brokers = brokers;
    }

    @Override
    public void deliver(Event event) throws Exception {
        Mqtt5Publish message = messages.of(event);
        try {
            Mqtt5AsyncClient client = brokers.connection().get();
            publish(client, message);
        } catch (ExecutionException e) {
            throw failure(e.getCause() == null ? e : e.getCause());
        }
    }

    /** Connects as the user, and publishes nothing. */
    @Override
    public void check() throws Exception {
        try {
            var _ = brokers.connection().get();
        } catch (ExecutionException e) {
            throw failure(e.getCause() == null ? e : e.getCause());
        }
    }

    private static void publish(Mqtt5AsyncClient client, Mqtt5Publish message) throws Exception {
        CompletableFuture<Mqtt5PublishResult> published = client.publish(message);
        CompletableFuture<Mqtt5PublishResult> result = published.thenApply(done -> {
            // The client takes PUBREC for enough if the connection ends there. The broker, which forgets the message
            // then, does not.
            if (message.getQos() == MqttQos.EXACTLY_ONCE && !client.getState().isConnected()) {
                throw new ConnectionClosedException("the connection ended before PUBCOMP");
            }
            return done;
        });
        try {
            Throwable error = result.get().getError().orElse(null);
            if (error != null) {
                throw failure(error);
            }
        } catch (InterruptedException e) {
            // What still waits for its turn is not sent any more.
            published.cancel(true);
            throw e;
        }
    }

    private static Exception failure(Throwable cause) {
        return switch (cause) {
            case Mqtt5PubAckException e ->
                refused(e.getMqttMessage().getReasonCode().name());
            case Mqtt5PubRecException e ->
                refused(e.getMqttMessage().getReasonCode().name());
            case MqttEncodeException e ->
                new RejectedEventException("the event is no message that the broker takes: " + e.getMessage());
            case Mqtt5ConnAckException e ->
                new IOException(
                        "the broker refuses the connection: "
                                + e.getMqttMessage().getReasonCode(),
                        e);
            default -> new IOException("the broker cannot be reached or has not confirmed: " + reason(cause), cause);
        };
    }

    private static Exception refused(String reason) {
        String sentence = "the broker refuses the message: " + reason;
        return FINAL_REASONS.contains(reason) ? new RejectedEventException(sentence) : new IOException(sentence);
    }

    /** The last cause says most. */
    private static String reason(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    }

    @Override
    public void close() {
        brokers.close();
    }
}
