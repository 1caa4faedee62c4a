package dev.saf.channel.amqp;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.Return;
import com.rabbitmq.client.ShutdownSignalException;
import dev.saf.channel.RejectedEventException;
import dev.saf.event.Event;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What publishes to one exchange: an AMQP channel of its own, since RabbitMQ closes the whole channel if there is no
 * such exchange, with everything that waits on it.
 */
final class Publisher {

    /** Tells what comes back from what does not; confirms have only a number, returns have none. */
    static final String SEQUENCE = "saf-sequence";

    private final Channel channel;
    private final String exchange;

    /** AMQP channels are for one thread at a time. */
    private final ReentrantLock turn = new ReentrantLock(true);

    private final ConcurrentSkipListMap<Long, CompletableFuture<Boolean>> unconfirmed = new ConcurrentSkipListMap<>();

    private Publisher(Channel channel, String exchange) {
        this.channel = channel;
        this.exchange = exchange;
    }

    static Publisher open(Connection connection, String exchange) throws IOException {
        @Nullable Channel channel = connection.createChannel();
        if (channel == null) {
            throw new IOException("the broker gives the connection no further channel");
        }
        Publisher publisher = new Publisher(channel, exchange);
        var _ = channel.confirmSelect();
        channel.addConfirmListener(publisher::confirmed, publisher::refused);
        channel.addReturnListener(publisher::returned);
        channel.addShutdownListener(publisher::ended);
        return publisher;
    }

    boolean isOpen() {
        return channel.isOpen();
    }

    /** Returns once the broker has confirmed the event. */
    void publish(String routingKey, boolean mandatory, Event event)
            throws IOException, InterruptedException, ExecutionException {
        CompletableFuture<Boolean> confirmation = new CompletableFuture<>();
        long sequence;
        turn.lockInterruptibly();
        try {
            sequence = channel.getNextPublishSeqNo();
            unconfirmed.put(sequence, confirmation);
            channel.basicPublish(
                    exchange,
                    routingKey,
                    mandatory,
                    Messages.properties(event, SEQUENCE, sequence),
                    event.payload().bytes());
        } finally {
            turn.unlock();
        }
        try {
            var _ = confirmation.get();
        } finally {
            unconfirmed.remove(sequence);
        }
    }

    private void confirmed(long sequence, boolean andAllBefore) {
        settled(sequence, andAllBefore).values().forEach(confirmation -> confirmation.complete(true));
    }

    private void refused(long sequence, boolean andAllBefore) {
        IOException failure = new IOException("the broker could not take the event, its queue may be full");
        settled(sequence, andAllBefore).values().forEach(confirmation -> confirmation.completeExceptionally(failure));
    }

    private Map<Long, CompletableFuture<Boolean>> settled(long sequence, boolean andAllBefore) {
        return unconfirmed.subMap(andAllBefore ? 0 : sequence, true, sequence, true);
    }

    /** Comes before the confirmation, which then changes nothing. */
    private void returned(Return message) {
        Object sequence = message.getProperties().getHeaders().get(SEQUENCE);
        CompletableFuture<Boolean> confirmation = sequence instanceof Long number ? unconfirmed.get(number) : null;
        if (confirmation != null) {
            confirmation.completeExceptionally(
                    new RejectedEventException("no queue takes the routing key \"%s\" of the exchange \"%s\": %s"
                            .formatted(message.getRoutingKey(), exchange, message.getReplyText())));
        }
    }

    private void ended(ShutdownSignalException cause) {
        unconfirmed.values().forEach(confirmation -> confirmation.completeExceptionally(cause));
    }
}
