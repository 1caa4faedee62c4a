package dev.saf.benchmark;

import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamSubscription;
import io.nats.client.Message;
import io.nats.client.PullSubscribeOptions;
import io.nats.client.api.AckPolicy;
import io.nats.client.api.ConsumerConfiguration;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;

/** Pulls messages, and has each acknowledgement confirmed on a virtual thread: the least a durable consumer can do. */
final class PlainConsumer {

    /** How many may be handled at once, and how many are asked for; the consumer's own default. */
    static final int CONCURRENCY = 64;

    private final JetStreamSubscription messages;
    private final Semaphore free = new Semaphore(CONCURRENCY);
    private final LongAdder confirmed = new LongAdder();
    private int outstanding;

    private PlainConsumer(JetStreamSubscription messages) {
        this.messages = messages;
    }

    public static void main(String[] args) throws IOException, InterruptedException, JetStreamApiException {
        Connection connection = PlainPublisher.connect(args[0]);
        connection
                .jetStreamManagement()
                .addOrUpdateConsumer(
                        "events",
                        ConsumerConfiguration.builder()
                                .durable("plain")
                                .ackPolicy(AckPolicy.Explicit)
                                .filterSubject("events.>")
                                .maxAckPending(1000)
                                .build());
        PlainConsumer consumer = new PlainConsumer(
                connection.jetStream().subscribe("events.>", PullSubscribeOptions.bind("events", "plain")));
        Parent.serve("connected", millis -> consumer.consume(Duration.ofMillis(Long.parseLong(millis))));
    }

    private double consume(Duration duration) {
        long before = confirmed.sum();
        long start = System.nanoTime();
        while (System.nanoTime() - start < duration.toNanos()) {
            if (outstanding <= CONCURRENCY / 2) {
                messages.pull(CONCURRENCY);
                outstanding += CONCURRENCY;
            }
            handleNext();
        }
        double rate = (confirmed.sum() - before) * 1e9 / (System.nanoTime() - start);
        while (outstanding > 0) {
            handleNext();
        }
        return rate;
    }

    private void handleNext() {
        try {
            Message message = messages.nextMessage(Duration.ofSeconds(5));
            if (message == null) {
                throw new IllegalStateException("there are no more messages");
            }
            outstanding--;
            free.acquire();
            Thread.startVirtualThread(() -> handle(message));
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted", e);
        }
    }

    private void handle(Message message) {
        try {
            message.ackSync(Duration.ofSeconds(5));
            confirmed.increment();
        } catch (TimeoutException | InterruptedException e) {
            System.err.println("not confirmed: " + e);
        } finally {
            free.release();
        }
    }
}
