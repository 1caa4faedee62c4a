package dev.saf.deployments.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.deployments.Pair;
import dev.saf.natsserver.NatsServer;
import dev.saf.peers.Tool;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Every scenario in {@code load/}, for a few seconds, on a machine that does other things too. */
class LoadIT {

    private static NatsServer nats;
    private static Pair pair;

    @TempDir
    private Path out;

    @BeforeAll
    static void start() throws Exception {
        nats = NatsServer.start();
        pair = new Pair(
                List.of(nats.url()),
                "saf.channels.log.type=log",
                "saf.channels.elsewhere.type=log",
                "saf.channels.elsewhere.subjects=nothing.>");
        try (HttpClient client = HttpClient.newHttpClient()) {
            for (String service : List.of(pair.producerManagement(), pair.consumerManagement())) {
                HttpRequest ready = HttpRequest.newBuilder(URI.create(service + "/actuator/health/readiness"))
                        .build();
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> client.send(ready, BodyHandlers.ofString()).statusCode() == 200);
            }
        }
    }

    @AfterAll
    static void stop() {
        pair.close();
        nats.close();
    }

    static Stream<String> scenarios() throws IOException {
        try (Stream<Path> files = Files.list(Tool.project().resolve("load"))) {
            return files
                    .map(file -> file.getFileName().toString())
                    .filter(file -> file.endsWith(".js") && !file.equals("lib.js"))
                    .map(file -> file.replace(".js", ""))
                    .sorted()
                    .toList()
                    .stream();
        }
    }

    @ParameterizedTest
    @MethodSource("scenarios")
    void isCarriedAndDelivered(String scenario) throws Exception {
        Tool.Result result = k6(scenario);
        assertThat(result.exitCode()).as(result.output()).isZero();
        JsonNode summary = summary(scenario);
        assertThat(summary.get("passed").booleanValue()).isTrue();
        assertThat(summary.at("/metrics/saf_delivered/values/value").intValue()).isPositive();
        assertThat(summary.at("/metrics/saf_event_age_p99/values/value").doubleValue())
                .isPositive();
        assertThat(Files.readString(out.resolve(scenario + ".html")))
                .contains("Every threshold is kept", "saf_all_delivered")
                // Nothing from elsewhere.
                .doesNotContain("src=", "<link", "@import", "<script");
    }

    @Test
    void theRampTellsOfEachStep() throws Exception {
        k6("ramp").success();
        JsonNode steps = summary("ramp").get("steps");
        assertThat(steps).hasSize(2);
        assertThat(steps).extracting(step -> step.get("rate").intValue()).containsExactly(20, 60);
        assertThat(steps)
                .allSatisfy(step -> assertThat(step.get("p99_ms").doubleValue()).isPositive());
    }

    @Test
    void failsWhenNothingIsDelivered() throws Exception {
        Tool.Result result = k6("smoke", "CHANNEL=elsewhere", "PATIENCE=1s");
        assertThat(result.exitCode()).as(result.output()).isEqualTo(99);
        assertThat(result.output()).contains("NOT kept: saf_all_delivered");
        assertThat(summary("smoke").get("passed").booleanValue()).isFalse();
    }

    @Test
    void failsWhenNothingIsStored() throws Exception {
        Tool.Result result = k6("steady", "SUBJECT=not a subject", "PATIENCE=1s");
        assertThat(result.exitCode()).as(result.output()).isEqualTo(99);
        assertThat(result.output()).contains("NOT kept: checks, http_req_failed");
    }

    @Test
    void saysThatThereIsNoSuchChannel() throws Exception {
        Tool.Result result = k6("smoke", "CHANNEL=none");
        assertThat(result.exitCode()).isNotZero();
        assertThat(result.output())
                .contains("no channel 'none' at " + pair.consumerManagement(), "NOT kept: anything")
                .doesNotContain("every threshold is kept");
        assertThat(summary("smoke").get("passed").booleanValue()).isFalse();
    }

    @Test
    void theRecipePutsReportsWhereItSays() throws Exception {
        Path reports = Tool.project().resolve("target/load");
        Files.deleteIfExists(reports.resolve("smoke.json"));
        Files.deleteIfExists(reports.resolve("smoke.html"));
        Tool.run(
                        Map.of(
                                "PRODUCER",
                                pair.producer(),
                                "PRODUCER_METRICS",
                                pair.producerManagement() + "/actuator/prometheus",
                                "CONSUMER_METRICS",
                                pair.consumerManagement() + "/actuator/prometheus",
                                "EVENTS",
                                "3",
                                "AGE_P99",
                                "60000"),
                        "just",
                        "load",
                        "smoke",
                        "--quiet")
                .success();
        assertThat(reports.resolve("smoke.json")).isNotEmptyFile();
        assertThat(reports.resolve("smoke.html")).isNotEmptyFile();
    }

    private Tool.Result k6(String scenario, String... more) throws Exception {
        List<String> arguments = new ArrayList<>(List.of("run", "--no-usage-report", "--quiet"));
        List<String> variables = new ArrayList<>(List.of(
                "OUT=" + out,
                "PRODUCER=" + pair.producer(),
                "PRODUCER_METRICS=" + pair.producerManagement() + "/actuator/prometheus",
                "CONSUMER_METRICS=" + pair.consumerManagement() + "/actuator/prometheus",
                "RATE=20",
                "PEAK=60",
                "STEPS=2",
                "DURATION=2s",
                "SPIKE=2s",
                "PAUSE=1s",
                "EVENTS=5",
                // What a busy machine takes is not what is tried here.
                "P95=5000",
                "P99=9000",
                "AGE_P99=60000"));
        variables.addAll(List.of(more));
        for (String variable : variables) {
            arguments.add("-e");
            arguments.add(variable);
        }
        arguments.add("load/" + scenario + ".js");
        return Tool.run("k6", arguments.toArray(String[]::new));
    }

    private JsonNode summary(String scenario) throws IOException {
        return JsonMapper.shared().readTree(Files.readString(out.resolve(scenario + ".json")));
    }
}
