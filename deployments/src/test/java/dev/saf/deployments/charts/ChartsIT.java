package dev.saf.deployments.charts;

import static dev.saf.deployments.charts.Charts.A_CHANNEL;
import static dev.saf.deployments.charts.Charts.BOTH;
import static dev.saf.deployments.charts.Charts.CONSUMER;
import static dev.saf.deployments.charts.Charts.PRODUCER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.SimpleFileServer;
import com.sun.net.httpserver.SimpleFileServer.OutputLevel;
import dev.saf.peers.Tool;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

class ChartsIT {

    private static final String REFUSED = "the values contradict each other";

    static Stream<Charts.Example> examples() {
        return Charts.examples().stream();
    }

    @ParameterizedTest
    @MethodSource("examples")
    void isSoundByHelmsOwnRules(Charts.Example example) throws Exception {
        assertThat(Charts.lint(example).success()).doesNotContain("[WARNING]", "[ERROR]", REFUSED);
    }

    @ParameterizedTest
    @MethodSource("examples")
    void whatObjectsNameIsThere(Charts.Example example) throws Exception {
        new Release(Charts.render(example)).assertWhole();
    }

    static Stream<Arguments> bad() {
        return Stream.of(
                arguments(PRODUCER, "replicaCount=two", "got string, want integer"),
                arguments(PRODUCER, "replicaCuont=2", "additional properties 'replicaCuont' not allowed"),
                arguments(PRODUCER, "image.tga=1", "additional properties 'tga' not allowed"),
                arguments(PRODUCER, "image.digest=md5:1", "at '/image/digest'"),
                arguments(PRODUCER, "service.type=Loadbalancer", "value must be one of"),
                arguments(PRODUCER, "nats.servers={}", "minLength: got 0, want 1"),
                arguments(PRODUCER, "config.saf.chanels.log.type=log", "additional properties 'chanels' not allowed"),
                arguments(PRODUCER, "config.Saf.nats.user=u", "invalid propertyName 'Saf'"),
                arguments(PRODUCER, "check.enabled=yes", "got string, want boolean"),
                arguments(PRODUCER, "check.timeout=soon", "at '/check/timeout'"),
                arguments(PRODUCER, "check.channels=true", "additional properties 'channels' not allowed"),
                arguments(PRODUCER, "keda.enabled=true", "additional properties 'keda' not allowed"),
                arguments(PRODUCER, "config.saf.nats.password=p", "config.saf.nats.password is not set there"),
                arguments(
                        PRODUCER,
                        "nats.credentials.type=user,nats.credentials.existingSecret=s,nats.credentials.inline.user=u,"
                                + "nats.credentials.inline.password=p",
                        "nats.credentials has both inline and existingSecret"),
                arguments(PRODUCER, "nats.credentials.existingSecret=s", "has a secret but the type none"),
                arguments(
                        PRODUCER, "nats.credentials.type=token", "there is neither existingSecret nor inline to take"),
                arguments(
                        PRODUCER,
                        "nats.credentials.type=user,nats.credentials.inline.user=u",
                        "nats.credentials.inline must have exactly user and password"),
                arguments(PRODUCER, "nats.tls.mutual=true", "nats.tls.mutual needs nats.tls.existingSecret"),
                arguments(
                        PRODUCER,
                        "podDisruptionBudget.minAvailable=1,podDisruptionBudget.maxUnavailable=1",
                        "has both minAvailable and maxUnavailable"),
                arguments(PRODUCER, "autoscaling.enabled=true,autoscaling.maxReplicas=1", "minReplicas is more than"),
                arguments(PRODUCER, "terminationGracePeriodSeconds=30", "but a shutdown may take 48"),
                arguments(PRODUCER, "httpRoute.enabled=true", "httpRoute.parentRefs is empty"),
                arguments(CONSUMER, "replicaCount=1", "config.saf.channels has no channel"),
                arguments(CONSUMER, "config.saf.channels.Log.type=log", "invalid propertyName 'Log'"),
                arguments(CONSUMER, "config.saf.channels.log-due.type=log", "invalid propertyName 'log-due'"),
                arguments(
                        CONSUMER,
                        A_CHANNEL + ",keda.enabled=true,keda.monitoringEndpoint=n:8222,autoscaling.enabled=true",
                        "keda and autoscaling are both enabled"),
                arguments(CONSUMER, A_CHANNEL + ",keda.enabled=true", "keda.monitoringEndpoint is empty"),
                arguments(
                        CONSUMER,
                        A_CHANNEL + ",config.saf.channels.log.mode=core,keda.enabled=true,keda.monitoringEndpoint=n:1",
                        "has a durable whose lag it could go by"),
                arguments(
                        CONSUMER,
                        A_CHANNEL + ",keda.enabled=true,keda.lagTreshold=1",
                        "additional properties 'lagTreshold' not allowed"),
                arguments(CONSUMER, A_CHANNEL + ",provisioning=nak", "value must be one of 'app', 'nack'"),
                arguments(
                        CONSUMER,
                        A_CHANNEL + ",config.saf.channels.log.timeout=half an hour",
                        "\"half an hour\" is no duration this chart can read"),
                arguments(
                        CONSUMER,
                        A_CHANNEL + ",channelSecrets.lgo.existingSecret=s",
                        "channelSecrets.lgo is for a channel that is not in config.saf.channels"),
                arguments(
                        CONSUMER,
                        A_CHANNEL + ",channelSecrets.log.properties.url=u",
                        "needs channelSecrets.log.existingSecret"),
                arguments(
                        CONSUMER,
                        A_CHANNEL + ",channelSecrets.log.existingSecret=s,channelSecrets.log.properties.type=t",
                        "type of channel log is both in config.saf.channels and in channelSecrets"));
    }

    @ParameterizedTest
    @MethodSource("bad")
    void badValuesAreRefusedWithASentence(Path chart, String values, String sentence) throws Exception {
        Tool.Result result = Charts.template(chart, "--set=" + values.replace("--set=", ""));
        assertThat(result.exitCode()).as(result.output()).isNotZero();
        assertThat(result.output()).contains(sentence);
    }

    @Test
    void allThatIsWrongIsSaidAtOnce() throws Exception {
        assertThat(Charts.template(CONSUMER, "--set=nats.tls.mutual=true,nats.credentials.type=nkey")
                        .output())
                .contains("nats.tls.mutual needs", "nats.credentials.type is nkey", "has no channel");
    }

    @Test
    void whatBothChartsHaveIsTheSame() throws IOException {
        List<Path> compared = new ArrayList<>();
        try (Stream<Path> files = Files.walk(PRODUCER.resolve("templates"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path other = CONSUMER.resolve(PRODUCER.relativize(file));
                if (Files.exists(other) && !file.toString().matches(".*(_own.tpl|NOTES.txt)")) {
                    assertThat(other).hasSameTextualContentAs(file);
                    compared.add(file);
                }
            }
        }
        assertThat(compared).hasSizeGreaterThan(10);
        assertThat(Charts.load(CONSUMER.resolve("values.schema.json")).get("$defs"))
                .isEqualTo(Charts.load(PRODUCER.resolve("values.schema.json")).get("$defs"));
    }

    @Test
    void aShutdownIsOutlastedWhateverIsConfigured() throws Exception {
        assertThat(grace(PRODUCER)).isEqualTo(5 + 3 + 30 + 10);
        assertThat(grace(PRODUCER, "--set=config.spring.lifecycle.timeout-per-shutdown-phase=1m,preStopSeconds=0"))
                .isEqualTo(3 + 60 + 10);
        assertThat(grace(CONSUMER, A_CHANNEL)).isEqualTo(5 + 30 + 15 + 30 + 10);
        assertThat(grace(CONSUMER, A_CHANNEL, "--set=config.saf.channels.slow.timeout=2m"))
                .isEqualTo(5 + 120 + 15 + 30 + 10);
        assertThat(grace(CONSUMER, A_CHANNEL, "--set=terminationGracePeriodSeconds=600"))
                .isEqualTo(600);
    }

    private static int grace(Path chart, String... values) throws Exception {
        return Charts.only(Charts.render(chart, values), "Deployment")
                .at("/spec/template/spec/terminationGracePeriodSeconds")
                .intValue();
    }

    @Test
    void aChangeOfTheConfigurationReplacesThePods() throws Exception {
        assertThat(checksum())
                .isEqualTo(checksum("--set=replicaCount=3"))
                .isNotEqualTo(checksum("--set=config.saf.channels.log.concurrency=3"))
                .isNotEqualTo(checksum("--set=nats.servers={nats://elsewhere:4222}"));
    }

    private static String checksum(String... values) throws Exception {
        List<String> arguments = new ArrayList<>(List.of(values));
        arguments.add(A_CHANNEL);
        return Charts.only(Charts.render(CONSUMER, arguments.toArray(String[]::new)), "Deployment")
                .at("/spec/template/metadata/annotations")
                .get("checksum/config")
                .stringValue();
    }

    /** With the same environment, files and rights as the service, or it would not say what awaits that. */
    @Test
    void aCheckSeesWhatTheServiceSees() throws Exception {
        for (Charts.Example example : List.of(
                new Charts.Example(PRODUCER, PRODUCER.resolve("ci/everything-values.yaml")),
                new Charts.Example(CONSUMER, CONSUMER.resolve("ci/keda-values.yaml")))) {
            JsonNode pod = Charts.only(Charts.render(example), "Deployment").at("/spec/template/spec");
            JsonNode check = pod.at("/initContainers/0");
            assertThat(check.get("args").valueStream().map(JsonNode::stringValue))
                    .contains("--check", "--saf.check.timeout=1m");
            for (String same :
                    List.of("image", "imagePullPolicy", "securityContext", "env", "resources", "volumeMounts")) {
                assertThat(check.get(same)).isEqualTo(pod.at("/containers/0").get(same));
            }
            assertThat(check.get("envFrom")).isEqualTo(pod.at("/containers/0").get("envFrom"));
        }
        assertThat(Charts.only(Charts.render(CONSUMER, A_CHANNEL), "Deployment")
                        .at("/spec/template/spec")
                        .has("initContainers"))
                .isFalse();
    }

    @Test
    void scalesByTheLagOfEachChannelsDurable() throws Exception {
        List<JsonNode> objects = Charts.render(new Charts.Example(CONSUMER, CONSUMER.resolve("ci/keda-values.yaml")));
        assertThat(Charts.all(objects, "HorizontalPodAutoscaler")).isEmpty();
        assertThat(Charts.only(objects, "Deployment").at("/spec/replicas").isMissingNode())
                .isTrue();
        List<JsonNode> triggers = Charts.only(objects, "ScaledObject")
                .at("/spec/triggers")
                .valueStream()
                .toList();
        // The API server does not look into metadata. The channel of mode core has no durable.
        assertThat(triggers)
                .extracting(trigger -> trigger.get("metadata").toString())
                .containsExactly(metadata("saf-billing-eu"), metadata("saf-log"));
    }

    private static String metadata(String durable) {
        return ("{'natsServerMonitoringEndpoint':'nats-headless.default:8222','account':'SAF','stream':'events',"
                        + "'consumer':'%s','lagThreshold':'500','activationLagThreshold':'1','useHttps':'false'}")
                .formatted(durable)
                .replace('\'', '"');
    }

    @Test
    void nothingLeadsToTheManagementPortByAccident() throws Exception {
        List<JsonNode> services = Charts.all(Charts.render(PRODUCER, "--set=service.type=LoadBalancer"), "Service");
        assertThat(services)
                .extracting(service -> service.at("/spec/type").stringValue() + " "
                        + service.at("/spec/ports").findValuesAsString("targetPort"))
                .containsExactlyInAnyOrder("LoadBalancer [http]", "ClusterIP [management]");
        assertThat(Charts.all(Charts.render(CONSUMER, A_CHANNEL), "Service")).hasSize(1);
    }

    @Test
    void theAlertsAreRules() throws Exception {
        for (Path chart : List.of(PRODUCER, CONSUMER)) {
            try (Stream<Path> files = Files.list(chart.resolve("files/alerts"))) {
                for (Path file : files.toList()) {
                    assertThat(Tool.run("promtool", "check", "rules", file.toString())
                                    .success())
                            .contains("SUCCESS");
                }
            }
        }
    }

    @Test
    void bothTogetherFindTheNatsTheyComeWith(@TempDir Path folder) throws Exception {
        Path whole = Charts.complete(folder);
        for (Charts.Example example : Charts.examplesOfBoth(whole)) {
            assertThat(Charts.lint(example).success()).doesNotContain("[WARNING]", "[ERROR]", REFUSED);
            new Release(Charts.render(example)).assertWhole();
        }
        List<JsonNode> objects = Charts.render(whole, "--set=consumer." + A_CHANNEL.substring("--set=".length()));
        assertThat(Charts.all(objects, "ConfigMap"))
                .hasSize(2)
                .allSatisfy(config ->
                        assertThat(config.at("/data/saf.yml").stringValue()).contains("nats://release-nats:4222"));
        assertThat(Charts.all(objects, "Deployment"))
                .extracting(deployment -> deployment.at("/metadata/name").stringValue())
                .containsExactlyInAnyOrder("release-producer", "release-consumer");
        Tool.Result misspelt = Charts.template(whole, "--set=consumer.replicaCuont=1,prodcuer.replicaCount=1");
        assertThat(misspelt.exitCode()).isNotZero();
        assertThat(misspelt.output())
                .contains("additional properties 'replicaCuont'", "additional properties 'prodcuer'");
    }

    /** From a repository as that of NATS, on this machine. */
    @Test
    void bothTogetherGetTheirParts(@TempDir Path folder) throws Exception {
        Path repository = Files.createDirectory(folder.resolve("repository"));
        Charts.standIn(folder.resolve("nats"));
        Tool.run("helm", "package", folder.resolve("nats").toString(), "-d", repository.toString())
                .success();
        Tool.run("helm", "repo", "index", repository.toString()).success();
        HttpServer server = SimpleFileServer.createFileServer(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), repository, OutputLevel.NONE);
        server.start();
        try {
            for (Path chart : List.of(PRODUCER, CONSUMER, BOTH)) {
                Charts.copy(chart, folder.resolve("charts").resolve(chart.getFileName()));
            }
            Path whole = folder.resolve("charts/saf");
            Path chart = whole.resolve("Chart.yaml");
            Files.writeString(
                    chart,
                    Files.readString(chart)
                            .replaceFirst(
                                    "https://nats-io.*",
                                    "http://127.0.0.1:" + server.getAddress().getPort()));
            Tool.run(
                            Map.of("HELM_CACHE_HOME", folder.toString(), "HELM_CONFIG_HOME", folder.toString()),
                            "helm",
                            "dependency",
                            "build",
                            whole.toString())
                    .success();
            assertThat(Charts.render(whole, "--set=consumer." + A_CHANNEL.substring("--set=".length())))
                    .isNotEmpty();
        } finally {
            server.stop(0);
        }
    }
}
