package dev.saf.consumer.upkeep;

import static java.util.Objects.requireNonNull;
import static org.awaitility.Awaitility.await;

import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.NatsSettings;
import dev.saf.natsserver.NatsServer;
import dev.saf.settings.Settings;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamManagement;
import io.nats.client.JetStreamSubscription;
import io.nats.client.Message;
import io.nats.client.PullSubscribeOptions;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.StreamConfiguration;
import io.nats.client.api.StreamState;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;

/** A nats-server with small streams, and a connection as the service has it. */
record House(NatsServer server, NatsConnection nats) implements AutoCloseable {

    static final Duration WINDOW = Duration.ofMillis(200);
    static final int MAX_BYTES = 200_000;

    static House open() {
        NatsServer server = NatsServer.start();
        StandardEnvironment environment = new StandardEnvironment();
        environment
                .getPropertySources()
                .addFirst(new MapPropertySource("test", Map.of("saf.nats.servers", server.url())));
        NatsConnection nats = new NatsConnection(new Settings(environment).bind("saf.nats", NatsSettings.class), null);
        nats.start();
        await().until(() -> nats.current() != null);
        House house = new House(server, nats);
        house.create("events", WINDOW);
        house.create("later", Duration.ofSeconds(1));
        house.create("dead-letters", Duration.ofSeconds(1));
        return house;
    }

    void create(String stream, Duration window) {
        try {
            management()
                    .addStream(StreamConfiguration.builder()
                            .name(stream)
                            .subjects(stream + ".>")
                            .discardPolicy(DiscardPolicy.New)
                            .maxBytes(MAX_BYTES)
                            .duplicateWindow(window)
                            .build());
        } catch (IOException | JetStreamApiException e) {
            throw new IllegalStateException(e);
        }
    }

    Access access() {
        return new Access(nats);
    }

    Connection connection() {
        return requireNonNull(nats.current());
    }

    JetStreamManagement management() throws IOException {
        return connection().jetStreamManagement();
    }

    StreamState state(String stream) throws IOException, JetStreamApiException {
        return management().getStreamInfo(stream).getStreamState();
    }

    /** Of about 1,000 bytes each. */
    void publish(String subject, int count) throws IOException, JetStreamApiException {
        for (int i = 0; i < count; i++) {
            connection().jetStream().publish(subject, new byte[900]);
        }
    }

    void durable(String stream, String name, String... filters) throws IOException, JetStreamApiException {
        management()
                .addOrUpdateConsumer(
                        stream,
                        ConsumerConfiguration.builder()
                                .durable(name)
                                .filterSubjects(filters)
                                .build());
    }

    /** Takes some messages, without an answer to any. */
    List<Message> take(String stream, String durable, int count) throws IOException, JetStreamApiException {
        JetStreamSubscription pull =
                connection().jetStream().subscribe(null, PullSubscribeOptions.bind(stream, durable));
        try {
            return pull.fetch(count, Duration.ofSeconds(2));
        } finally {
            pull.unsubscribe();
        }
    }

    /** Takes some messages, and settles them. */
    void settle(String stream, String durable, int count) throws Exception {
        for (Message message : take(stream, durable, count)) {
            message.ackSync(Duration.ofSeconds(2));
        }
    }

    @Override
    public void close() {
        nats.close();
        server.close();
    }
}
