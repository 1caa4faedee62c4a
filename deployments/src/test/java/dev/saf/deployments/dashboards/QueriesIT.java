package dev.saf.deployments.dashboards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.deployments.Pair;
import dev.saf.deployments.dashboards.Observability.Question;
import dev.saf.natsserver.NatsCluster;
import dev.saf.natsserver.Ports;
import dev.saf.peers.Tool;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** No question that the dashboards and alerts ask is about something that does not exist. */
class QueriesIT {

    private static final Pattern SELECTOR = Pattern.compile("\\b(?:saf|jetstream|gnatsd)_\\w+(?:\\{[^}]*})?");
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final HttpClient client = HttpClient.newHttpClient();

    @TempDir
    private Path folder;

    @Test
    void everyOneHasAnAnswer() throws Exception {
        String prometheus = "127.0.0.1:" + Ports.free();
        int exporter = Ports.free();
        try (NatsCluster nats = NatsCluster.start(3);
                Pair pair = new Pair(
                        nats.urls(),
                        "saf.streams.events.replicas=3",
                        "saf.streams.events.max-bytes=100MB",
                        "saf.streams.dead-letters.replicas=3",
                        "saf.streams.dead-letters.max-bytes=100MB",
                        // So that something is refused.
                        "saf.producer.max-in-flight=1",
                        "saf.channels.log.type=log",
                        "saf.channels.order.type=log",
                        "saf.channels.order.ordering=key",
                        // So that something becomes a dead letter.
                        "saf.channels.hook.type=webhook",
                        "saf.channels.hook.url=http://127.0.0.1:9/",
                        "saf.channels.hook.retry.attempts=1")) {
            List<String> monitoring = nats.nodes().stream()
                    .map(node -> "http://127.0.0.1:" + node.monitoringPort())
                    .toList();
            List<String> arguments = new ArrayList<>(List.of(
                    "-addr", "127.0.0.1", "-port", Integer.toString(exporter), "-varz", "-healthz", "-jsz=all"));
            arguments.addAll(monitoring);
            Process metrics = Tool.start(
                    folder.resolve("exporter.log"), "prometheus-nats-exporter", arguments.toArray(String[]::new));
            Process store = Tool.start(
                    folder.resolve("prometheus.log"),
                    "prometheus",
                    "--config.file=" + config(pair, "127.0.0.1:" + exporter),
                    "--storage.tsdb.path=" + folder.resolve("data"),
                    "--web.listen-address=" + prometheus);
            try {
                makeHistory(pair);
                await().atMost(PATIENCE)
                        .ignoreExceptions()
                        .untilAsserted(() -> assertThat(unanswered(prometheus)).isEmpty());
                await().atMost(PATIENCE).untilAsserted(() -> assertRulesAreEvaluated(prometheus));
            } finally {
                store.destroyForcibly().onExit().join();
                metrics.destroyForcibly().onExit().join();
            }
        } finally {
            client.close();
        }
    }

    /** The one of docker-compose.yml, with the addresses and files that are here. */
    private Path config(Pair pair, String exporter) throws IOException {
        Path alerts = Files.createDirectory(folder.resolve("alerts"));
        for (Path file : Observability.ALERTS) {
            Files.copy(file, alerts.resolve(file.getFileName()));
        }
        String config = Files.readString(Observability.FOLDER.resolve("prometheus.yml"));
        String here = config.replace("producer:1379", host(pair.producerManagement()))
                .replace("consumer:1381", host(pair.consumerManagement()))
                .replace("nats-exporter:7777", exporter)
                .replace("/etc/saf/alerts", alerts.toString())
                .replace(": 5s", ": 1s");
        return Files.writeString(folder.resolve("prometheus.yml"), here);
    }

    private static String host(String address) {
        return URI.create(address).getAuthority();
    }

    /** Something of everything that is counted only from the first time on. */
    private void makeHistory(Pair pair) throws Exception {
        String producer = pair.producer() + "/api/event";
        await().atMost(PATIENCE).until(() -> post(producer, "{\"subject\":\"a\",\"id\":\"1\"}") == 202);
        assertThat(post(producer, "{\"subject\":\"a\",\"id\":\"1\"}")).isEqualTo(202);
        await().atMost(PATIENCE).until(() -> {
            List<CompletableFuture<HttpResponse<String>>> many = Stream.generate(
                            () -> client.sendAsync(request(producer, "{\"subject\":\"a\"}"), BodyHandlers.ofString()))
                    .limit(50)
                    .toList();
            return many.stream().anyMatch(each -> each.join().statusCode() == 503);
        });
        await().atMost(PATIENCE)
                .until(() -> get(pair.consumer() + "/api/dead-letters?channel=hook")
                                .get("items")
                                .size()
                        > 0);
        assertThat(post(pair.consumer() + "/api/redrives", "{\"channel\":\"hook\"}"))
                .isBetween(200, 202);
    }

    private List<String> unanswered(String prometheus) throws Exception {
        List<Question> questions = new ArrayList<>(Observability.panels());
        // Alerts are quiet when all is well; what they look at has to be there nevertheless.
        for (Question alert : Observability.alerts()) {
            List<String> selectors = SELECTOR.matcher(alert.query())
                    .results()
                    .map(MatchResult::group)
                    .toList();
            assertThat(selectors).as(alert.name()).isNotEmpty();
            selectors.forEach(selector -> questions.add(new Question(alert.name(), selector)));
        }
        List<String> unanswered = new ArrayList<>();
        for (Question question : questions) {
            JsonNode answer = get("http://" + prometheus + "/api/v1/query?query="
                    + URLEncoder.encode(question.query(), StandardCharsets.UTF_8));
            if (answer.at("/data/result").isEmpty()) {
                unanswered.add(question.name() + ": " + question.query() + " " + answer.path("error"));
            }
        }
        return unanswered;
    }

    private void assertRulesAreEvaluated(String prometheus) throws Exception {
        List<JsonNode> rules = new ArrayList<>();
        for (JsonNode group : get("http://" + prometheus + "/api/v1/rules").at("/data/groups")) {
            group.get("rules").forEach(rules::add);
        }
        assertThat(rules).hasSameSizeAs(Observability.alerts());
        assertThat(rules)
                .allSatisfy(rule -> assertThat(rule.get("health").stringValue())
                        .as(rule.toString())
                        .isEqualTo("ok"));
    }

    private static HttpRequest request(String uri, String json) {
        return HttpRequest.newBuilder(URI.create(uri))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(json))
                .build();
    }

    private int post(String uri, String json) throws Exception {
        return client.send(request(uri, json), BodyHandlers.ofString()).statusCode();
    }

    private JsonNode get(String uri) throws Exception {
        return JsonMapper.shared()
                .readTree(client.send(HttpRequest.newBuilder(URI.create(uri)).build(), BodyHandlers.ofString())
                        .body());
    }
}
