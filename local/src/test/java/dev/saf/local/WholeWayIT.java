package dev.saf.local;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.saf.consumer.ConsumerApplication;
import dev.saf.natsserver.NatsServer;
import dev.saf.producer.ProducerApplication;
import io.nats.client.Connection;
import io.nats.client.Nats;
import io.nats.client.api.MessageInfo;
import io.nats.client.impl.Headers;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** An event's whole way: from the HTTP request over the stream into a webhook, through the services as they run. */
@SuppressWarnings("try") // Connection.close may be interrupted
class WholeWayIT {

    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String PARENT = "b7ad6b7169203331";

    private final HttpClient client = HttpClient.newHttpClient();
    private Destination destination;

    @BeforeEach
    void open() throws IOException {
        destination = new Destination();
    }

    @AfterEach
    void close() {
        destination.close();
        client.close();
    }

    @Test
    void carriesOneTraceFromTheRequestThroughTheMessageIntoTheDelivery() throws Exception {
        try (NatsServer nats = NatsServer.start();
                ConfigurableApplicationContext producer =
                        ProducerApplication.start(settings(nats, exporting()).toArray(String[]::new));
                ConfigurableApplicationContext consumer =
                        ConsumerApplication.start(channels(nats, exporting()).toArray(String[]::new))) {
            assertThat(consumer.isActive()).isTrue();
            awaitStored(
                    producer,
                    "{\"subject\":\"a\",\"id\":\"t\",\"payload\":1}",
                    "traceparent",
                    "00-" + TRACE + "-" + PARENT + "-01",
                    "tracestate",
                    "vendor=x");
            await().atMost(Duration.ofSeconds(20)).until(() -> destination.deliveries.containsKey("t"));

            Headers headers = requireNonNull(message(nats, 1).getHeaders());
            String sent = requireNonNull(headers.getFirst("traceparent"));
            String delivered = requireNonNull(destination.traceparents.get("t"));
            assertThat(sent).matches("00-" + TRACE + "-[0-9a-f]{16}-0[13]").doesNotContain(PARENT);
            assertThat(delivered).matches("00-" + TRACE + "-[0-9a-f]{16}-0[13]").doesNotContain(PARENT);
            String sendSpan = sent.substring(36, 52);
            String deliverySpan = delivered.substring(36, 52);
            assertThat(deliverySpan).isNotEqualTo(sendSpan);

            // The spans as they were exported, each with its parent.
            await().atMost(Duration.ofSeconds(20)).untilAsserted(() -> {
                assertThat(destination.hasSpan(sendSpan, PARENT)).isTrue();
                assertThat(destination.hasSpan(deliverySpan, sendSpan)).isTrue();
            });
        }
    }

    @Test
    void exportsNothingUnlessAnEndpointIsSet() throws Exception {
        try (NatsServer nats = NatsServer.start();
                ConfigurableApplicationContext producer =
                        ProducerApplication.start(settings(nats, List.of()).toArray(String[]::new))) {
            awaitStored(producer, "{\"subject\":\"a\"}", "traceparent", "00-" + TRACE + "-" + PARENT + "-01");
            assertThat(producer.getBeanNamesForType(io.opentelemetry.sdk.trace.export.SpanExporter.class))
                    .isEmpty();
        }
    }

    @Test
    void startsInAnyOrderNatsLast() throws Exception {
        try (NatsServer nats = NatsServer.start()) {
            nats.kill();
            try (ConfigurableApplicationContext consumer =
                            ConsumerApplication.start(channels(nats, List.of()).toArray(String[]::new));
                    ConfigurableApplicationContext producer =
                            ProducerApplication.start(settings(nats, List.of()).toArray(String[]::new))) {
                assertThat(consumer.isActive()).isTrue();
                assertThat(post(producer, "{\"subject\":\"a\",\"id\":\"early\"}")
                                .statusCode())
                        .isEqualTo(503);
                nats.restart();
                awaitStored(producer, "{\"subject\":\"a\",\"id\":\"early\"}");
                await().atMost(Duration.ofSeconds(20)).until(() -> destination.deliveries.containsKey("early"));
            }
        }
    }

    @Test
    void eventsWaitWhileTheConsumerIsDown() throws Exception {
        try (NatsServer nats = NatsServer.start();
                ConfigurableApplicationContext producer =
                        ProducerApplication.start(settings(nats, List.of()).toArray(String[]::new))) {
            for (int i = 0; i < 100; i++) {
                awaitStored(producer, "{\"subject\":\"a\",\"id\":\"w" + i + "\"}");
            }
            try (ConfigurableApplicationContext consumer =
                    ConsumerApplication.start(channels(nats, List.of()).toArray(String[]::new))) {
                assertThat(consumer.isActive()).isTrue();
                await().atMost(Duration.ofSeconds(20)).until(() -> destination.deliveries.size() == 100);
            }
        }
    }

    @Test
    void terminatingTheConsumerUnderLoadLosesAndRepeatsNothing() throws Exception {
        int count = 3_000;
        try (NatsServer nats = NatsServer.start();
                ConfigurableApplicationContext producer =
                        ProducerApplication.start(settings(nats, List.of()).toArray(String[]::new))) {
            awaitStored(producer, "{\"subject\":\"a\",\"id\":\"s0\"}");
            List<String> arguments = channels(nats, List.of("saf.channels.hook.concurrency=8"));
            destination.slow = true;
            Process first = child(ConsumerApplication.class, arguments, new ConcurrentLinkedQueue<>());
            AtomicInteger accepted = new AtomicInteger(1);
            try (var senders = Executors.newVirtualThreadPerTaskExecutor()) {
                for (int sender = 0; sender < 8; sender++) {
                    int offset = sender;
                    var _ = senders.submit(() -> {
                        for (int i = 1 + offset; i < count; i += 8) {
                            if (post(producer, "{\"subject\":\"a\",\"id\":\"s" + i + "\"}")
                                            .statusCode()
                                    == 202) {
                                accepted.incrementAndGet();
                            }
                        }
                        return null;
                    });
                }
                await().atMost(Duration.ofSeconds(30)).until(() -> destination.deliveries.size() > 200);
                first.destroy();
                assertThat(first.waitFor(40, TimeUnit.SECONDS)).isTrue();
                assertThat(first.exitValue()).isEqualTo(143);
                assertThat(destination.deliveries.size()).isLessThan(count);
            }
            assertThat(accepted).hasValue(count);
            destination.slow = false;
            Process second = child(ConsumerApplication.class, arguments, new ConcurrentLinkedQueue<>());
            try {
                await().atMost(Duration.ofSeconds(60)).until(() -> destination.deliveries.size() == count);
                assertThat(destination.deliveries.values()).allMatch(deliveries -> deliveries.get() == 1);
            } finally {
                second.destroy();
                assertThat(second.waitFor(40, TimeUnit.SECONDS)).isTrue();
            }
        }
    }

    @Test
    void logsJsonByAProperty() throws Exception {
        try (NatsServer nats = NatsServer.start()) {
            List<String> arguments = new ArrayList<>(settings(nats, List.of("logging.structured.format.console=ecs")));
            Queue<String> lines = new ConcurrentLinkedQueue<>();
            Process service = child(ProducerApplication.class, arguments, lines);
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> lines.stream().anyMatch(line -> line.contains("has been created")));
            service.destroy();
            assertThat(service.waitFor(40, TimeUnit.SECONDS)).isTrue();
            assertThat(lines).isNotEmpty().allSatisfy(line -> {
                JsonNode json = JsonMapper.shared().readTree(line);
                assertThat(json.has("message") && json.has("@timestamp")).isTrue();
            });
        }
    }

    @Test
    void logsDeliveriesInJsonWithTheirContext() throws Exception {
        try (NatsServer nats = NatsServer.start();
                ConfigurableApplicationContext producer =
                        ProducerApplication.start(settings(nats, List.of()).toArray(String[]::new))) {
            Queue<String> lines = new ConcurrentLinkedQueue<>();
            Process service = child(
                    ConsumerApplication.class,
                    settings(nats, List.of("logging.structured.format.console=ecs", "saf.channels.audit.type=log")),
                    lines);
            try {
                awaitStored(producer, "{\"subject\":\"ride.accepted\",\"id\":\"r1\"}");
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> lines.stream().anyMatch(line -> line.contains("ride.accepted r1")));
            } finally {
                service.destroyForcibly().waitFor();
            }
            JsonNode line = JsonMapper.shared()
                    .readTree(lines.stream()
                            .filter(each -> each.contains("ride.accepted r1"))
                            .findFirst()
                            .orElseThrow());
            assertThat(line.at("/event/id").asString()).isEqualTo("r1");
            assertThat(line.at("/saf/event").asString()).isEqualTo("r1");
            assertThat(line.at("/saf/channel").asString()).isEqualTo("audit");
        }
    }

    private List<String> settings(NatsServer nats, List<String> more) {
        List<String> arguments = new ArrayList<>(List.of(
                "--server.port=0",
                "--server.address=127.0.0.1",
                "--management.server.port=0",
                "--saf.nats.servers=" + nats.url(),
                "--saf.producer.publish-budget=2s"));
        more.forEach(setting -> arguments.add("--" + setting));
        return arguments;
    }

    private List<String> channels(NatsServer nats, List<String> more) {
        List<String> arguments = settings(nats, more);
        arguments.add("--saf.channels.hook.type=webhook");
        arguments.add("--saf.channels.hook.url=" + destination.url("/hook"));
        return arguments;
    }

    private List<String> exporting() {
        return List.of(
                "management.opentelemetry.tracing.export.otlp.endpoint=" + destination.url("/v1/traces"),
                "management.opentelemetry.tracing.export.schedule-delay=200ms");
    }

    private HttpResponse<String> post(ConfigurableApplicationContext producer, String body, String... headers)
            throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:"
                        + producer.getEnvironment().getProperty("local.server.port") + "/api/event"))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        try {
            return client.send(request.build(), BodyHandlers.ofString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    private void awaitStored(ConfigurableApplicationContext producer, String body, String... headers) {
        await().atMost(Duration.ofSeconds(20))
                .until(() -> post(producer, body, headers).statusCode() == 202);
    }

    private static MessageInfo message(NatsServer nats, long sequence) throws Exception {
        try (Connection connection = Nats.connect(nats.url())) {
            return connection.jetStreamManagement().getMessage("events", sequence);
        }
    }

    private static Process child(Class<?> application, List<String> arguments, Queue<String> lines) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "-cp",
                System.getProperty("java.class.path"),
                application.getName()));
        command.addAll(arguments);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        BufferedReader out = process.inputReader();
        Thread.ofVirtual().start(() -> {
            try {
                for (String line = out.readLine(); line != null; line = out.readLine()) {
                    lines.add(line);
                }
            } catch (IOException e) {
                // Ended.
            }
        });
        return process;
    }

    /** Where events go, and spans: counts the deliveries of each id. */
    private static final class Destination implements AutoCloseable {

        final Map<String, AtomicInteger> deliveries = new ConcurrentHashMap<>();
        final Map<String, String> traceparents = new ConcurrentHashMap<>();
        final ByteArrayOutputStream spans = new ByteArrayOutputStream();
        final HttpServer server;
        volatile boolean slow;

        Destination() throws IOException {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
            server.createContext("/hook", this::deliver);
            server.createContext("/v1/traces", this::export);
            server.start();
        }

        String url(String path) {
            return "http://127.0.0.1:" + server.getAddress().getPort() + path;
        }

        private void deliver(HttpExchange exchange) throws IOException {
            try (exchange) {
                var _ = exchange.getRequestBody().readAllBytes();
                String id = exchange.getRequestHeaders().getFirst("ce-id");
                if (slow) {
                    java.util.concurrent.locks.LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
                }
                String traceparent = exchange.getRequestHeaders().getFirst("traceparent");
                if (traceparent != null) {
                    traceparents.put(id, traceparent);
                }
                deliveries.computeIfAbsent(id, key -> new AtomicInteger()).incrementAndGet();
                exchange.sendResponseHeaders(204, -1);
            }
        }

        private void export(HttpExchange exchange) throws IOException {
            try (exchange;
                    OutputStream out = exchange.getResponseBody()) {
                byte[] bytes = exchange.getRequestBody().readAllBytes();
                synchronized (spans) {
                    spans.writeBytes(bytes);
                }
                exchange.sendResponseHeaders(200, 0);
                out.flush();
            }
        }

        /**
         * Whether a span was exported under a parent: fields 1, 2, (3) and 4 of OTLP's message Span, in their order.
         */
        boolean hasSpan(String span, String parent) {
            HexFormat hex = HexFormat.of();
            byte[] begin = hex.parseHex("0a10" + TRACE + "1208" + span);
            byte[] under = hex.parseHex("2208" + parent);
            byte[] all;
            synchronized (spans) {
                all = spans.toByteArray();
            }
            for (int i = 0; i + begin.length + under.length <= all.length; i++) {
                if (Arrays.equals(all, i, i + begin.length, begin, 0, begin.length)) {
                    // Between them stands at most the trace state.
                    for (int j = i + begin.length; j < i + begin.length + 64 && j + under.length <= all.length; j++) {
                        if (Arrays.equals(all, j, j + under.length, under, 0, under.length)) {
                            return true;
                        }
                    }
                }
            }
            return false;
        }

        @Override
        public void close() {
            server.stop(0);
        }
    }
}
