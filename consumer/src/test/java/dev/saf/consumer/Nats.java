package dev.saf.consumer;

import static org.awaitility.Awaitility.await;

import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.event.WireFormat;
import dev.saf.jetstream.EventMessages;
import dev.saf.natsserver.NatsServer;
import io.nats.client.Connection;
import io.nats.client.ErrorListener;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamSubscription;
import io.nats.client.Message;
import io.nats.client.Options;
import io.nats.client.PushSubscribeOptions;
import io.nats.client.api.ConsumerInfo;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import io.nats.client.impl.Headers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** What a test does with NATS beside the consumer. */
public final class Nats implements AutoCloseable {

    private final Connection connection;

    public Nats(NatsServer server) {
        this(List.of(server.url()));
    }

    /** Connected to one of several servers. */
    public Nats(List<String> urls) {
        Options options = new Options.Builder()
                .servers(urls.toArray(String[]::new))
                .maxReconnects(-1)
                .reconnectWait(Duration.ofMillis(50))
                .reconnectBufferSize(0)
                .connectionListener((_, _) -> {})
                .errorListener(new ErrorListener() {})
                .build();
        try {
            connection = io.nats.client.Nats.connect(options);
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    public Connection connection() {
        return connection;
    }

    /** The stream, for tests that publish before a service has created it. */
    public Nats withStreams() {
        try {
            for (String name : List.of("events", "dead-letters")) {
                connection
                        .jetStreamManagement()
                        .addStream(StreamConfiguration.builder()
                                .name(name)
                                .subjects(name + ".>")
                                .storageType(StorageType.File)
                                .discardPolicy(DiscardPolicy.New)
                                .maxBytes(name.equals("events") ? 1L << 30 : 1L << 28)
                                .maxAge(Duration.ofDays(name.equals("events") ? 7 : 30))
                                .duplicateWindow(name.equals("events") ? Duration.ofMinutes(10) : Duration.ofHours(1))
                                .allowDirect(false)
                                .build());
            }
        } catch (IOException | JetStreamApiException e) {
            throw new IllegalStateException(e);
        }
        return this;
    }

    public static Event event(String subject, String id) {
        return Event.of(
                subject,
                id,
                "shop",
                Instant.parse("2026-01-02T03:04:05Z"),
                Payload.of("{\"order\":1}".getBytes(StandardCharsets.UTF_8), "application/json"));
    }

    /** Publishes until it is stored. */
    public void publish(Event event) {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (true) {
            try {
                connection
                        .jetStream()
                        .publish(
                                WireFormat.natsSubject(event),
                                EventMessages.headers(event),
                                event.payload().bytes());
                return;
            } catch (IOException | JetStreamApiException | IllegalStateException e) {
                if (System.nanoTime() > deadline) {
                    throw new AssertionError("could not publish", e);
                }
                LockSupport.parkNanos(10_000_000);
            }
        }
    }

    public void publish(String... ids) {
        for (String id : ids) {
            publish(event("orders.placed", id));
        }
    }

    public void publish(int count) {
        for (int i = 0; i < count; i++) {
            publish("event-" + i);
        }
    }

    public void publishRaw(String subject, @Nullable Headers headers, byte[] body)
            throws IOException, JetStreamApiException {
        connection.jetStream().publish(subject, headers, body);
    }

    /** From now on a stream takes no message at all, or takes all again; waits for it if it is still to be created. */
    public void refuseAll(String stream, boolean refuse) {
        await().atMost(Duration.ofSeconds(20)).ignoreExceptions().until(() -> {
            var management = connection.jetStreamManagement();
            management.updateStream(
                    StreamConfiguration.builder(management.getStreamInfo(stream).getConfiguration())
                            .maximumMessageSize(refuse ? 1 : -1)
                            .build());
            return true;
        });
    }

    public ConsumerInfo consumer(String channel) throws IOException, JetStreamApiException {
        return connection.jetStreamManagement().getConsumerInfo("events", "saf-" + channel);
    }

    /** Events of a channel that are not settled. */
    public long unsettled(String channel) {
        try {
            ConsumerInfo info = consumer(channel);
            return info.getNumPending() + info.getNumAckPending();
        } catch (IOException | JetStreamApiException | IllegalStateException e) {
            return -1;
        }
    }

    /** Retries of a channel that are due and not settled; those that are parked do not count. */
    public long due(String channel) {
        try {
            ConsumerInfo info = connection.jetStreamManagement().getConsumerInfo("later", "saf-" + channel + "-due");
            return info.getNumPending() + info.getNumAckPending();
        } catch (IOException | JetStreamApiException | IllegalStateException e) {
            return -1;
        }
    }

    /** All dead letters, in order. */
    public List<Message> deadLetters() {
        List<Message> letters = new ArrayList<>();
        try {
            JetStreamSubscription all = connection
                    .jetStream()
                    .subscribe(
                            "dead-letters.>",
                            PushSubscribeOptions.builder().stream("dead-letters")
                                    .ordered(true)
                                    .build());
            for (Message next = all.nextMessage(200); next != null; next = all.nextMessage(200)) {
                letters.add(next);
            }
            all.unsubscribe();
        } catch (IOException | JetStreamApiException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return letters;
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
