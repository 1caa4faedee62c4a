package dev.saf.channel.amqp;

import com.rabbitmq.client.ShutdownSignalException;
import dev.saf.channel.Channel;
import dev.saf.channel.RejectedEventException;
import dev.saf.channel.Template;
import dev.saf.event.Event;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.concurrent.ExecutionException;

/**
 * Publishes each event to an exchange and waits until RabbitMQ confirms it, which for a persistent message in a durable
 * queue means that it is on disk. An event that no queue takes comes back, and is rejected.
 */
final class AmqpChannel implements Channel {

    /** AMQP's short strings, in bytes. */
    private static final int LONGEST_NAME = 255;

    private final Template exchange;
    private final Template routingKey;
    private final boolean mandatory;
    private final Broker broker;

    AmqpChannel(AmqpSettings settings, Broker broker) {
        this.exchange = Template.of("exchange", Objects.requireNonNull(settings.exchange()));
        this.routingKey = Template.of("routing-key", Objects.requireNonNull(settings.routingKey()));
        this.mandatory = Boolean.TRUE.equals(settings.mandatory());
        this.broker = broker;
    }

    @Override
    public void deliver(Event event) throws Exception {
        String target = name("exchange", exchange.fill(event));
        String key = name("routing-key", routingKey.fill(event));
        try {
            Publisher publisher = broker.publisher(target).get();
            publisher.publish(key, mandatory, event);
        } catch (ExecutionException e) {
            throw failure(e.getCause() == null ? e : e.getCause());
        } catch (ShutdownSignalException | IOException e) {
            throw failure(e);
        }
    }

    /** Connects as the user, and publishes nothing: not even to the exchange, which may be another for each event. */
    @Override
    public void check() throws Exception {
        try {
            var _ = broker.publisher("").get();
        } catch (ExecutionException e) {
            throw failure(e.getCause() == null ? e : e.getCause());
        }
    }

    private static String name(String setting, String name) throws RejectedEventException {
        int length = name.getBytes(StandardCharsets.UTF_8).length;
        if (length > LONGEST_NAME) {
            throw new RejectedEventException("the event makes a %s of %d bytes, more than the %d that AMQP has room for"
                    .formatted(setting, length, LONGEST_NAME));
        }
        return name;
    }

    private static Exception failure(Throwable cause) {
        return cause instanceof RejectedEventException rejection
                ? rejection
                : new IOException("the broker cannot be reached or has not confirmed: " + reason(cause), cause);
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
        broker.close();
    }
}
