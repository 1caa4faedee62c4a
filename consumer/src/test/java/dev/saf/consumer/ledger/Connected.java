package dev.saf.consumer.ledger;

import static java.util.Objects.requireNonNull;
import static org.awaitility.Awaitility.await;

import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.NatsSettings;
import dev.saf.jetstream.PublishHealth;
import dev.saf.jetstream.Streams;
import dev.saf.jetstream.StreamsSettings;
import dev.saf.settings.Settings;
import io.nats.client.Connection;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;

/** A connection with all streams, as the service has it. */
record Connected(NatsConnection nats) implements AutoCloseable {

    private static final List<String> STREAMS =
            List.of(Streams.EVENTS, Streams.DEAD_LETTERS, Streams.LATER, Streams.STATE, Streams.ADVISORIES);

    /** @param keysAndValues settings such as {@code saf.streams.events.replicas} */
    static Connected to(List<String> servers, String... keysAndValues) throws InterruptedException {
        Map<String, Object> properties = new HashMap<>();
        properties.put("saf.nats.servers", String.join(",", servers));
        properties.put("saf.nats.ping-interval", "500ms");
        for (int i = 0; i < keysAndValues.length; i += 2) {
            properties.put(keysAndValues[i], keysAndValues[i + 1]);
        }
        StandardEnvironment environment = new StandardEnvironment();
        environment.getPropertySources().addFirst(new MapPropertySource("test", properties));
        Settings settings = new Settings(environment);
        NatsConnection nats = new NatsConnection(settings.bind("saf.nats", NatsSettings.class), null);
        nats.start();
        try (Streams streams = new Streams(
                nats,
                settings.bind("saf.streams", StreamsSettings.class),
                new PublishHealth(System::nanoTime),
                STREAMS)) {
            streams.start();
            await().atMost(Duration.ofSeconds(30)).until(() -> STREAMS.stream().allMatch(streams::usable));
        }
        return new Connected(nats);
    }

    Connection connection() {
        return requireNonNull(nats.current());
    }

    @Override
    public void close() {
        nats.close();
    }
}
