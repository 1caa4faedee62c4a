package dev.saf.deployments.charts;

import static dev.saf.deployments.charts.Charts.A_CHANNEL;
import static dev.saf.deployments.charts.Charts.CONSUMER;
import static dev.saf.deployments.charts.Charts.PRODUCER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.saf.peers.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@TestInstance(Lifecycle.PER_CLASS)
class KubernetesIT {

    private Path folder;
    private KubernetesApi kubernetes;
    private Path both;

    @BeforeAll
    @Timeout(value = 15, unit = TimeUnit.MINUTES)
    void start(@TempDir Path temporary) throws Exception {
        folder = temporary;
        both = Charts.complete(temporary.resolve("both"));
        kubernetes = KubernetesApi.start(Files.createDirectory(temporary.resolve("kubernetes")));
    }

    @AfterAll
    void stop() {
        kubernetes.close();
    }

    Stream<Charts.Example> examples() {
        return Stream.concat(Charts.examples().stream(), Charts.examplesOfBoth(both).stream());
    }

    @ParameterizedTest
    @MethodSource("examples")
    void everyObjectIsAccepted(Charts.Example example) throws Exception {
        String objects = Charts.template(example).success();
        // A warning is what a Deployment gets for pods that would be refused.
        assertThat(accepts(objects).success()).doesNotContain("Warning").contains("deployment.apps", "configmap");
    }

    @ParameterizedTest
    @MethodSource("examples")
    void everyPodIsAcceptedWhereTheRulesAreStrict(Charts.Example example) throws Exception {
        for (JsonNode deployment : Charts.all(Charts.render(example), "Deployment")) {
            assertThat(acceptsPodOf(deployment).success()).contains("pod/of-template created");
        }
    }

    @Test
    void theExamplesHaveEveryKind() throws Exception {
        var kinds = new TreeSet<String>();
        for (Charts.Example example : examples().toList()) {
            Charts.render(example)
                    .forEach(object -> kinds.add(object.get("kind").stringValue()));
        }
        assertThat(kinds)
                .containsExactly(
                        "ConfigMap",
                        "Consumer",
                        "Deployment",
                        "HTTPRoute",
                        "HorizontalPodAutoscaler",
                        "Ingress",
                        "NetworkPolicy",
                        "Pod",
                        "PodDisruptionBudget",
                        "PrometheusRule",
                        "ScaledObject",
                        "Secret",
                        "Service",
                        "ServiceAccount",
                        "ServiceMonitor",
                        "Stream");
    }

    static Stream<Arguments> misspelt() {
        return Stream.of(
                arguments(PRODUCER, "everything", "livenessProbe:", "livenesProbe:"),
                arguments(PRODUCER, "everything", "scrapeTimeout:", "scrapeTimeOut:"),
                arguments(PRODUCER, "everything", "backendRefs:", "backendRfs:"),
                arguments(PRODUCER, "everything", "ingressClassName:", "ingresClassName:"),
                arguments(PRODUCER, "everything", "policyTypes:", "policyType:"),
                arguments(PRODUCER, "everything", "stabilizationWindowSeconds:", "stabilization:"),
                arguments(PRODUCER, "everything", "unhealthyPodEvictionPolicy:", "unhealthy:"),
                arguments(CONSUMER, "keda", "minReplicaCount:", "minReplicaCuont:"),
                arguments(CONSUMER, "nack", "maxAge:", "maxAgge:"),
                arguments(CONSUMER, "nack", "ackWait:", "ackWiat:"));
    }

    @ParameterizedTest
    @MethodSource("misspelt")
    void aMisspeltFieldIsRefused(Path chart, String values, String field, String misspelt) throws Exception {
        Charts.Example example = new Charts.Example(chart, chart.resolve("ci/" + values + "-values.yaml"));
        String objects = Charts.template(example).success();
        assertThat(objects).contains(field);
        Tool.Result result = accepts(objects.replace(field, misspelt));
        assertThat(result.exitCode()).isNotZero();
        assertThat(result.output()).contains("unknown field").contains(misspelt.replace(":", ""));
    }

    @ParameterizedTest
    @MethodSource("loosened")
    void aPodWithMoreRightsIsRefused(String value) throws Exception {
        JsonNode deployment = Charts.only(Charts.render(PRODUCER, "--set=" + value), "Deployment");
        Tool.Result result = acceptsPodOf(deployment);
        assertThat(result.exitCode()).isNotZero();
        assertThat(result.output()).contains("violates PodSecurity \"restricted:latest\"");
    }

    static Stream<String> loosened() {
        return Stream.of(
                "podSecurityContext.runAsNonRoot=false",
                "podSecurityContext.seccompProfile.type=Unconfined",
                "securityContext.allowPrivilegeEscalation=true",
                "securityContext.capabilities.drop={NET_RAW}");
    }

    @Test
    void isInstalledUpgradedRolledBackAndUninstalled() throws Exception {
        String values = CONSUMER.resolve("ci/keda-values.yaml").toString();
        assertThat(kubernetes
                        .helm("install", "mine", CONSUMER.toString(), "-f", values)
                        .success())
                .doesNotContain("Warning", "unknown field")
                .contains("The consumer delivers to billing-eu, log, ticker");
        assertThat(consumerConfiguration()).contains("timeout: 2m").doesNotContain("5m");
        assertThat(kubernetes
                        .helm(
                                "upgrade",
                                "mine",
                                CONSUMER.toString(),
                                "-f",
                                values,
                                "--set=config.saf.channels.billing-eu.timeout=5m")
                        .success())
                .doesNotContain("Warning", "unknown field");
        assertThat(consumerConfiguration()).contains("timeout: 5m");
        assertThat(grace()).isEqualTo("360");
        kubernetes.helm("rollback", "mine", "1").success();
        assertThat(consumerConfiguration()).contains("timeout: 2m").doesNotContain("5m");
        assertThat(grace()).isEqualTo("180");
        assertThat(kubernetes.helm("history", "mine").success()).contains("Rollback to 1");
        kubernetes.helm("uninstall", "mine").success();
        assertThat(kubernetes
                        .kubectl(
                                "get",
                                "deployments,services,configmaps,scaledobjects.keda.sh,poddisruptionbudgets",
                                "-l",
                                "app.kubernetes.io/instance=mine",
                                "-o",
                                "name")
                        .success()
                        .strip())
                .isIn("", "No resources found");
    }

    /** Two releases of one chart do not get into each other's way. */
    @Test
    void isInstalledTwice() throws Exception {
        for (String release : List.of("one", "two")) {
            kubernetes
                    .helm("install", release, CONSUMER.toString(), A_CHANNEL, "--set=provisioning=nack")
                    .success();
        }
        for (String release : List.of("one", "two")) {
            kubernetes.helm("uninstall", release).success();
        }
    }

    @Test
    void bothAreInstalledTogetherAndAgainWithOtherValues() throws Exception {
        String values = both.resolve("ci/external-values.yaml").toString();
        assertThat(kubernetes
                        .helm("install", "pair", both.toString(), "-f", values)
                        .success())
                .doesNotContain("Warning", "unknown field")
                .contains("rollout status deployment/pair-producer", "rollout status deployment/pair-consumer");
        kubernetes
                .helm("upgrade", "pair", both.toString(), "-f", values, "--set=producer.replicaCount=4")
                .success();
        assertThat(kubernetes
                        .kubectl("get", "deployment", "pair-producer", "-o", "jsonpath={.spec.replicas}")
                        .success())
                .isEqualTo("4");
        kubernetes.helm("uninstall", "pair").success();
    }

    private String consumerConfiguration() throws Exception {
        return kubernetes
                .kubectl("get", "configmap", "mine-saf-consumer", "-o", "jsonpath={.data}")
                .success();
    }

    private String grace() throws Exception {
        return kubernetes
                .kubectl(
                        "get",
                        "deployment",
                        "mine-saf-consumer",
                        "-o",
                        "jsonpath={.spec.template.spec.terminationGracePeriodSeconds}")
                .success();
    }

    private Tool.Result accepts(String objects) throws IOException, InterruptedException {
        Path file = Files.createTempFile(folder, "objects", ".yaml");
        Files.writeString(file, objects);
        return kubernetes.accepts(file);
    }

    /** What a controller would make of the template. */
    private Tool.Result acceptsPodOf(JsonNode deployment) throws IOException, InterruptedException {
        JsonNode template = deployment.at("/spec/template");
        return accepts(JsonMapper.builder()
                .build()
                .writeValueAsString(Map.of(
                        "apiVersion",
                        "v1",
                        "kind",
                        "Pod",
                        "metadata",
                        Map.of("name", "of-template", "labels", template.at("/metadata/labels")),
                        "spec",
                        template.get("spec"))));
    }
}
