package dev.saf.deployments.charts;

import static dev.saf.deployments.charts.Charts.CONSUMER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.natsserver.NatsServer;
import dev.saf.peers.Tool;
import io.nats.client.Connection;
import io.nats.client.Message;
import io.nats.client.Nats;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class NackIT {

    /** The controller's name of a field, where it is not the server's in another spelling. */
    private static final Map<String, String> RENAMED = Map.of(
            "replicas", "num_replicas",
            "discardPerSubject", "discard_new_per_subject",
            "allowRollup", "allow_rollup_hdrs",
            "allowAtomicPublish", "allow_atomic",
            "source", "src",
            "destination", "dest");

    /** What the resources say to the controller, and what the server fills in. */
    private static final List<String> BESIDES =
            List.of("account", "preventDelete", "streamName", "name", "max_waiting", "consumer_limits");

    /** What the controller says where nothing is paused. */
    private static final String NEVER = "0001-01-01T00:00:00Z";

    /** And, in nanoseconds, where nothing is acknowledged. */
    private static final long NOT_AT_ALL = 1;

    private static final Pattern DURATION = Pattern.compile("([0-9]+)(ms|s|m|h)");
    private static final Map<String, Long> NANOS =
            Map.of("ms", 1_000_000L, "s", 1_000_000_000L, "m", 60_000_000_000L, "h", 3_600_000_000_000L);

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"default-values.yaml", "nack-values.yaml"})
    @SuppressWarnings("try")
    void getsWhatTheServiceWouldMake(String values) throws Exception {
        try (NatsServer nats = NatsServer.start();
                Connection connection = Nats.connect(nats.url())) {
            List<JsonNode> objects = Charts.render(
                    CONSUMER,
                    "-f",
                    CONSUMER.resolve("ci").resolve(values).toString(),
                    "--set=provisioning=nack,nats.servers={" + nats.url() + "}",
                    RenderedPodIT.ports());
            List<JsonNode> streams = Charts.all(objects, "Stream");
            List<JsonNode> consumers = Charts.all(objects, "Consumer");
            assertThat(streams).hasSize(5);
            assertThat(consumers).isNotEmpty();
            try (LocalPod pod = new LocalPod(folder, "consumer", objects, Map.of())) {
                pod.awaitProbe("readinessProbe");
                streams.forEach(stream -> compare(stream, connection));
                consumers.forEach(consumer -> compare(consumer, connection));
            }
        }
    }

    /** The controller itself, on a real API server; then the service, which has nothing to say against it. */
    @Test
    @SuppressWarnings("try")
    @Timeout(value = 20, unit = TimeUnit.MINUTES)
    void makesOfTheResourcesWhatTheServiceExpects() throws Exception {
        Tool.run("jetstream-controller", "--version").success();
        try (NatsServer nats = NatsServer.start();
                Connection connection = Nats.connect(nats.url());
                KubernetesApi kubernetes = KubernetesApi.start(Files.createDirectory(folder.resolve("kubernetes")))) {
            String[] values = {
                "-f",
                CONSUMER.resolve("ci/nack-values.yaml").toString(),
                "--set=nack.account=,nats.servers={" + nats.url() + "}",
                RenderedPodIT.ports()
            };
            List<JsonNode> objects = Charts.render(CONSUMER, values);
            kubernetes
                    .helm(Stream.concat(Stream.of("install", "mine", CONSUMER.toString()), Stream.of(values))
                            .toArray(String[]::new))
                    .success();
            kubernetes.control("jetstream-controller", "-s=" + nats.url());
            Charts.all(objects, "Stream").forEach(stream -> compare(stream, connection));
            Charts.all(objects, "Consumer").forEach(consumer -> compare(consumer, connection));
            try (LocalPod pod = new LocalPod(folder, "consumer", objects, Map.of())) {
                pod.awaitProbe("readinessProbe");
                assertThat(pod.log())
                        .contains("stream later keeps its promises")
                        .doesNotContain("has been created", "is configured");
            }
        }
    }

    /** Compares a resource with what is on the server, as soon as it is there. */
    private static void compare(JsonNode resource, Connection connection) {
        JsonNode spec = resource.get("spec");
        String question = resource.get("kind").stringValue().equals("Stream")
                ? "$JS.API.STREAM.INFO." + spec.get("name").stringValue()
                : "$JS.API.CONSUMER.INFO." + spec.get("streamName").stringValue() + "."
                        + spec.get("durableName").stringValue();
        await().atMost(Duration.ofSeconds(30)).until(() -> configuration(connection, question) != null);
        JsonNode configuration = configuration(connection, question);
        assertThat(configuration).isNotNull();
        assertThat(normal(spec)).as(question).isEqualTo(normal(configuration));
    }

    private static @Nullable JsonNode configuration(Connection connection, String question) {
        try {
            Message answer = connection.request(question, null, Duration.ofSeconds(5));
            return answer == null
                    ? null
                    : JsonMapper.builder().build().readTree(answer.getData()).get("config");
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** In the server's words, without what says the same as saying nothing. */
    private static Map<String, Object> normal(JsonNode configuration) {
        Map<String, Object> normal = new TreeMap<>();
        configuration.properties().forEach(field -> {
            String name = RENAMED.getOrDefault(field.getKey(), snake(field.getKey()));
            Object value = value(field.getValue());
            boolean nothing = List.of("", "0", "-1", "false", "[]", "{}", NEVER).contains(value.toString())
                    || (name.equals("compression") && value.equals("none"))
                    || (name.equals("ack_wait") && value.equals(NOT_AT_ALL));
            if (!nothing && !BESIDES.contains(field.getKey()) && !name.startsWith("_nats")) {
                // One filter is a list of one.
                normal.put(
                        name.equals("filter_subject") ? "filter_subjects" : name,
                        name.equals("filter_subject") ? List.of(value) : value);
                // The controller wants the number alone.
                normal.computeIfPresent(
                        "sample_freq", (_, part) -> part.toString().replace("%", ""));
            }
        });
        return normal;
    }

    private static Object value(JsonNode value) {
        if (value.isObject()) {
            return normal(value);
        }
        if (value.isArray()) {
            return value.valueStream().map(NackIT::value).toList();
        }
        Matcher duration = DURATION.matcher(value.asString());
        if (value.isString() && duration.matches()) {
            return Long.parseLong(duration.group(1)) * NANOS.getOrDefault(duration.group(2), 0L);
        }
        return value.isIntegralNumber() ? (Object) value.longValue() : snake(value.asString());
    }

    private static String snake(String camel) {
        return camel.matches("[a-z]+([A-Z][a-z]+)+")
                ? Pattern.compile("[A-Z]")
                        .matcher(camel)
                        .replaceAll(
                                (MatchResult capital) -> "_" + capital.group().toLowerCase(Locale.ROOT))
                : camel;
    }
}
