package dev.saf.deployments.compose;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.natsserver.Ports;
import dev.saf.peers.Tool;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** docker-compose.yml, brought up by a real engine with images that are built here. */
@Timeout(480)
class ComposeIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static Engine engine;
    private static final Map<String, Integer> PORTS = new TreeMap<>();

    private final HttpClient client = HttpClient.newHttpClient();

    @TempDir
    private static Path folder;

    @BeforeAll
    @Timeout(900)
    static void start() throws Exception {
        engine = Engine.start(folder);
        engine.makeLocalImages();
        engine.set("PRODUCER_JAR", jar("producer"));
        engine.set("CONSUMER_JAR", jar("consumer"));
        for (String port : List.of(
                "NATS_PORT",
                "NATS_MONITORING_PORT",
                "PRODUCER_PORT",
                "PRODUCER_MANAGEMENT_PORT",
                "CONSUMER_PORT",
                "CONSUMER_MANAGEMENT_PORT",
                "RECEIVER_PORT",
                "GRAFANA_PORT",
                "PROMETHEUS_PORT")) {
            int free = Ports.free();
            while (PORTS.containsValue(free)) {
                free = Ports.free();
            }
            PORTS.put(port, free);
            engine.set(port, Integer.toString(free));
        }
        // One after another, or else each makes the runtime that all have.
        for (String service : List.of("receiver", "producer", "consumer")) {
            engine.compose("build", service).success();
        }
    }

    @AfterAll
    static void stop() throws Exception {
        if (engine != null) {
            engine.end();
        }
    }

    @AfterEach
    void down() throws Exception {
        engine.compose("--profile", "*", "down", "--volumes", "--timeout", "30").success();
        client.close();
    }

    @Test
    void carriesAnEventToBothChannels() throws Exception {
        engine.compose("up", "--detach", "--wait").success();
        assertCarries("first");

        assertIsRestrained("producer");
        assertIsRestrained("consumer");

        // NATS keeps what it has.
        engine.just("dev", "down").success();
        engine.just("dev", "up").success();
        assertThat(sequence("second")).isEqualTo(2);
    }

    @Test
    void carriesLoad() throws Exception {
        engine.set("RATE", "20");
        engine.set("DURATION", "2s");
        engine.compose("up", "--detach", "--wait").success();
        assertThat(engine.compose("run", "--rm", "k6").success()).contains("every threshold is kept");
    }

    @Test
    void isWatched() throws Exception {
        engine.just("dev", "up", "observability").success();
        await().atMost(PATIENCE)
                .ignoreExceptions()
                .untilAsserted(() -> assertThat(get("PROMETHEUS_PORT", "/api/v1/query?query=up"))
                        .contains("saf-producer", "saf-consumer", "nats-exporter:7777")
                        .doesNotContain("\"0\""));
        assertThat(get("PROMETHEUS_PORT", "/api/v1/rules"))
                .contains("SafEventsRefused", "SafDeadLetters", "NatsWithoutLeader");
        assertCarries("first");
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(
                                engine.just("dev", "exec", "-T", "lgtm", "busybox", "strings", "/data/traces")
                                        .success())
                        .contains("POST /v1/traces", "saf-producer", "send events", "saf-consumer", "deliver hook"));
    }

    @Test
    void endsInGoodOrderOnSigterm() throws Exception {
        engine.compose("up", "--detach", "--wait").success();
        engine.compose("stop", "producer", "consumer").success();
        for (String service : List.of("producer", "consumer")) {
            assertThat(inspect(service, "{{.State.ExitCode}}")).isEqualTo("143");
        }
    }

    @Test
    void keepsEveryStreamOnThreeServers() throws Exception {
        engine.just("dev", "up", "cluster").success();
        assertCarries("first");
        String streams = engine.compose(
                        "--profile",
                        "cluster",
                        "exec",
                        "-T",
                        "nats-1",
                        "wget",
                        "-q",
                        "-O",
                        "-",
                        "http://127.0.0.1:8222/jsz?streams=true&config=true")
                .success();
        assertThat(streams)
                .contains("\"name\": \"events\"", "\"num_replicas\": 3")
                .doesNotContain("\"num_replicas\": 1");
    }

    private void assertCarries(String id) throws Exception {
        assertThat(sequence(id)).isEqualTo(1);
        await().atMost(PATIENCE)
                .until(() -> get("RECEIVER_PORT", "/received").contains("ride.accepted " + id)
                        && engine.compose("logs", "consumer").success().contains("ride.accepted " + id));
    }

    private static void assertIsRestrained(String service) throws Exception {
        assertThat(inspect(service, "{{.Config.User}} {{.HostConfig.ReadonlyRootfs}}"))
                .isEqualTo("10001:10001 true");
        Tool.Result shell = engine.compose("exec", "-T", service, "/bin/sh", "-c", "true");
        assertThat(shell.exitCode()).as(shell.output()).isNotZero();
        assertThat(engine.compose("logs", service).success()).doesNotContain("AOTCache", "[warning]");
        assertThat(Long.parseLong(image("{{.Size}}", service))).isBetween(100_000_000L, 250_000_000L);
    }

    private static String image(String format, String service) throws Exception {
        return engine.docker("image", "inspect", "--format", format, "saf-" + service + ":0.1.0-SNAPSHOT")
                .success()
                .strip();
    }

    private static String inspect(String service, String format) throws Exception {
        String container = engine.compose("ps", "--all", "--quiet", service).success();
        return engine.docker("inspect", "--format", format, container.strip())
                .success()
                .strip();
    }

    /** Sends an event; says which one on the stream it is. */
    private int sequence(String id) throws Exception {
        HttpRequest event = HttpRequest.newBuilder(uri("PRODUCER_PORT", "/api/event"))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(
                        "{\"subject\":\"ride.accepted\",\"id\":\"%s\",\"payload\":{\"ride\":1}}".formatted(id)))
                .build();
        String receipt = client.send(event, BodyHandlers.ofString()).body();
        assertThat(receipt).contains("\"sequence\":");
        return Integer.parseInt(receipt.replaceAll(".*\"sequence\":(\\d+).*", "$1"));
    }

    private String get(String port, String path) throws Exception {
        return client.send(HttpRequest.newBuilder(uri(port, path)).build(), BodyHandlers.ofString())
                .body();
    }

    private static URI uri(String port, String path) {
        return URI.create("http://127.0.0.1:" + PORTS.get(port) + path);
    }

    /** The one that Maven has just built, as the image is to get it. */
    private static String jar(String module) throws IOException {
        try (Stream<Path> files = Files.list(Tool.project().resolve(module).resolve("target"))) {
            return files.filter(file -> file.toString().endsWith("-exec.jar"))
                    .map(file -> Tool.project().relativize(file).toString())
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("package " + module + " first"));
        }
    }
}
