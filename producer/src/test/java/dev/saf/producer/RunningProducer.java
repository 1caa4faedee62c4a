package dev.saf.producer;

import dev.saf.natsserver.NatsServer;
import io.micrometer.core.instrument.MeterRegistry;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.Nats;
import io.nats.client.api.MessageInfo;
import io.nats.client.api.StreamInfo;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.springframework.context.ConfigurableApplicationContext;

/** The service as it runs, against a given nats-server, on ports of its own. */
@SuppressWarnings("try") // Connection.close may be interrupted
final class RunningProducer implements AutoCloseable {

    private final ConfigurableApplicationContext context;

    private RunningProducer(ConfigurableApplicationContext context) {
        this.context = context;
    }

    /** Starts the service and waits until it is ready. */
    static RunningProducer with(NatsServer nats, String... settings) {
        RunningProducer producer = at(nats.url(), settings);
        producer.awaitReady();
        return producer;
    }

    /** Starts the service, whether anybody listens at the address or not. */
    static RunningProducer at(String url, String... settings) {
        List<String> arguments = new ArrayList<>(List.of(
                "--server.port=0",
                "--server.address=127.0.0.1",
                "--management.server.port=0",
                "--saf.nats.servers=" + url));
        for (String setting : settings) {
            arguments.add("--" + setting);
        }
        return new RunningProducer(ProducerApplication.start(arguments.toArray(String[]::new)));
    }

    int port() {
        return context.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
    }

    int managementPort() {
        return context.getEnvironment().getRequiredProperty("local.management.port", Integer.class);
    }

    MeterRegistry metrics() {
        return context.getBean(MeterRegistry.class);
    }

    EventPublisher publisher() {
        return context.getBean(EventPublisher.class);
    }

    RawHttp.Answer post(String body, String... headers) throws IOException {
        return RawHttp.once(port(), RawHttp.post(body, headers));
    }

    int readiness() {
        try {
            return RawHttp.once(
                            managementPort(),
                            "GET /actuator/health/readiness HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                                    .getBytes(java.nio.charset.StandardCharsets.US_ASCII))
                    .status();
        } catch (IOException e) {
            return 0;
        }
    }

    void awaitReady() {
        Awaitility.await()
                .atMost(Duration.ofSeconds(20))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> readiness() == 200);
    }

    static StreamInfo stream(NatsServer nats) throws Exception {
        try (Connection connection = Nats.connect(nats.url())) {
            return connection.jetStreamManagement().getStreamInfo("events");
        }
    }

    static MessageInfo message(NatsServer nats, long sequence)
            throws IOException, JetStreamApiException, InterruptedException {
        try (Connection connection = Nats.connect(nats.url())) {
            return connection.jetStreamManagement().getMessage("events", sequence);
        }
    }

    @Override
    public void close() {
        context.close();
    }
}
