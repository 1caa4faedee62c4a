package dev.saf.deployments.compose;

import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.peers.Tool;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What docker compose makes of docker-compose.yml; no engine is needed for that. */
class ComposeConfigurationIT {

    @Test
    void startsNatsBothServicesAndADestinationWithoutAnyProfile() throws Exception {
        assertThat(config().get("services").propertyNames())
                .containsExactlyInAnyOrder("nats", "producer", "consumer", "receiver");
    }

    @Test
    void addsWhatTheProfilesSay() throws Exception {
        assertThat(config("--profile", "observability").get("services").propertyNames())
                .contains("nats", "producer", "consumer", "lgtm", "nats-exporter");
        assertThat(config("--profile", "load").get("services").propertyNames()).contains("k6");
        JsonNode cluster = config("--profile", "cluster", "--env-file", "deployments/compose/cluster.env");
        assertThat(cluster.get("services").propertyNames()).contains("nats-1", "nats-2", "nats-3");
        for (String service : List.of("producer", "consumer")) {
            JsonNode environment = cluster.at("/services/" + service + "/environment");
            assertThat(environment.get("SAF_NATS_SERVERS").stringValue())
                    .isEqualTo("nats://nats-1:4222,nats://nats-2:4222,nats://nats-3:4222");
            assertThat(environment.get("SAF_STREAMS_EVENTS_REPLICAS").stringValue())
                    .isEqualTo("3");
        }
    }

    @Test
    void sendsTracesWhereTheyAreKeptAndElseNowhere() throws Exception {
        String endpoint = "/environment/MANAGEMENT_OPENTELEMETRY_TRACING_EXPORT_OTLP_ENDPOINT";
        JsonNode observed = config("--profile", "observability", "--env-file", "deployments/compose/observability.env");
        JsonNode alone = config();
        for (String service : List.of("/services/producer", "/services/consumer")) {
            assertThat(observed.at(service + endpoint).stringValue()).isEqualTo("http://lgtm:4318/v1/traces");
            JsonNode none = alone.at(service + endpoint);
            assertThat(none.isMissingNode() || none.isNull()).isTrue();
        }
    }

    @Test
    void pinsImagesListensOnThisMachineOnlyAndMountsWhatIsThere() throws Exception {
        List<JsonNode> services = new ArrayList<>();
        config("--profile", "*").get("services").forEach(services::add);
        assertThat(services).hasSize(10).allSatisfy(service -> {
            assertThat(service.get("image").stringValue()).matches(".+:v?\\d[\\w.-]*");
            for (JsonNode port : service.path("ports")) {
                assertThat(port.path("host_ip").asString("every address")).isEqualTo("127.0.0.1");
            }
            for (JsonNode volume : service.path("volumes")) {
                if (volume.get("type").stringValue().equals("bind")) {
                    assertThat(Files.exists(Path.of(volume.get("source").stringValue())))
                            .as(volume.toString())
                            .isTrue();
                    assertThat(volume.path("read_only").booleanValue()).isTrue();
                }
            }
        });
    }

    @Test
    void aMisspeltProfileIsRefused() throws Exception {
        Tool.Result result = Tool.run("just", "dev", "up", "observabilty");
        assertThat(result.exitCode()).isNotZero();
        assertThat(result.output())
                .contains("no profile 'observabilty' in docker-compose.yml, only cluster load observability");
    }

    @Test
    void aMisspeltKeyIsRefused() throws Exception {
        Path file = Tool.project().resolve("docker-compose.yml");
        Path wrong = Files.writeString(
                Files.createTempFile("docker-compose", ".yml"),
                Files.readString(file).replace("depends_on:", "depend_on:"));
        try {
            Tool.Result result = Tool.run("docker-compose", "-f", wrong.toString(), "config", "--quiet");
            assertThat(result.exitCode()).isNotZero();
            assertThat(result.output()).contains("depend_on");
        } finally {
            Files.delete(wrong);
        }
    }

    private static JsonNode config(String... options) throws Exception {
        List<String> arguments = new ArrayList<>(List.of(options));
        arguments.addAll(List.of("config", "--format", "json"));
        return JsonMapper.shared()
                .readTree(Tool.run("docker-compose", arguments.toArray(String[]::new))
                        .success());
    }
}
