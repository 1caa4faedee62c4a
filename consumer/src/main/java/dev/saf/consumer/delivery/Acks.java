package dev.saf.consumer.delivery;

import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Acknowledges events and hears the server confirm it, without a thread or a future waiting for each: all confirmations
 * come to one inbox and name the event's sequence.
 */
final class Acks {

    private static final byte[] ACK = "+ACK".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] NAK = "-NAK".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] PROGRESS = "+WPI".getBytes(StandardCharsets.US_ASCII);

    private static final Duration CONFIRM = Duration.ofSeconds(2);
    private static final Duration NOT_CONNECTED = Duration.ofMillis(50);

    private record Link(Connection connection, Dispatcher dispatcher, String inbox) {}

    private final LongConsumer confirmed;
    private volatile @Nullable Link link;

    /** @param confirmed told the sequence of each confirmed event, on a thread of the client */
    Acks(LongConsumer confirmed) {
        this.confirmed = confirmed;
    }

    /** Listens on a connection, if not yet. The client listens again by itself when it has reconnected. */
    void bind(Connection connection) {
        Link current = link;
        if (current != null && current.connection.equals(connection)) {
            return;
        }
        String inbox = connection.createInbox() + ".";
        Dispatcher dispatcher = connection.createDispatcher(message -> confirmed(inbox, message));
        dispatcher.subscribe(inbox + "*");
        link = new Link(connection, dispatcher, inbox);
    }

    /** Listens no more, and sends nothing. */
    void close() {
        Link current = link;
        link = null;
        if (current != null) {
            try {
                current.connection.closeDispatcher(current.dispatcher);
            } catch (IllegalStateException e) {
                // Gone with its connection.
            }
        }
    }

    /** Sends an acknowledgement that the server is to confirm. False if it cannot have been sent. */
    boolean ack(Delivery delivery) {
        Link current = link;
        if (current == null) {
            return false;
        }
        try {
            current.connection.publish(
                    delivery.message().getReplyTo(), current.inbox + delivery.position.sequence(), ACK);
            return true;
        } catch (IllegalStateException e) {
            // Not connected; it is sent again until it is confirmed.
            return false;
        }
    }

    /** Gives an event back for later. If that gets lost, it comes back after the ack wait. */
    void nak(Message message, long delayNanos) {
        var _ = send(message, ("-NAK {\"delay\":" + delayNanos + "}").getBytes(StandardCharsets.US_ASCII));
    }

    /** Gives an event back for now. */
    void nak(Message message) {
        var _ = send(message, NAK);
    }

    /** Tells the server that the event is still being worked on. False if that cannot have been sent. */
    boolean progress(Message message) {
        return send(message, PROGRESS);
    }

    /** Acknowledges an event and waits until the server confirms it. False if it did not, for whatever reason. */
    boolean confirm(Message message) {
        Link current = link;
        try {
            if (current != null && current.connection.getStatus() == Connection.Status.CONNECTED) {
                Message answer = current.connection.request(message.getReplyTo(), ACK, CONFIRM);
                return answer != null && !answer.isStatusMessage();
            }
            Thread.sleep(NOT_CONNECTED);
        } catch (InterruptedException | IllegalStateException e) {
            // Just lost; and nobody interrupts before the channel is called.
        }
        return false;
    }

    private boolean send(Message message, byte[] body) {
        Link current = link;
        if (current == null) {
            return false;
        }
        try {
            current.connection.publish(message.getReplyTo(), body);
            return true;
        } catch (IllegalStateException e) {
            // Not connected; the ack wait says the same, only later.
            return false;
        }
    }

    private void confirmed(String inbox, Message message) {
        // A status says that nobody was there to take the acknowledgement.
        if (!message.isStatusMessage()) {
            confirmed.accept(Long.parseLong(
                    message.getSubject(), inbox.length(), message.getSubject().length(), 10));
        }
    }
}
