package dev.saf.deployments.charts;

import static dev.saf.deployments.charts.Charts.CONSUMER;
import static dev.saf.deployments.charts.Charts.PRODUCER;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import dev.saf.deployments.Operator;
import dev.saf.natsserver.NatsServer;
import dev.saf.peers.Certificate;
import io.nats.client.NKey;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class RenderedPodIT {

    @TempDir
    private Path folder;

    @Test
    void carriesAnEventThroughBothWithWhatIsRenderedAndNothingElse() throws Exception {
        Certificate certificate = Certificate.make(folder);
        Path pem = Files.writeString(folder.resolve("nats.pem"), certificate.certificate());
        Path key = Files.writeString(folder.resolve("nats.key"), certificate.key());
        String security = """
            tls { cert_file: "%s", key_file: "%s", ca_file: "%s", verify: true }
            authorization { users: [ {user: producer, password: one}, {user: consumer, password: two} ] }
            """.formatted(pem, key, pem);
        Queue<String> delivered = new ConcurrentLinkedQueue<>();
        HttpServer destination = destination(delivered);
        try (NatsServer nats = NatsServer.builder().config(security).start()) {
            String servers = "--set=nats.servers={tls://localhost:" + nats.port() + "}";
            String tls = "--set=nats.tls.existingSecret=tls,nats.tls.mutual=true,nats.credentials.type=user";
            Map<String, String> files = Map.of(
                    "ca.crt",
                    certificate.certificate(),
                    "tls.crt",
                    certificate.certificate(),
                    "tls.key",
                    certificate.key());
            try (LocalPod producer = new LocalPod(
                            folder.resolve("producer"),
                            "producer",
                            Charts.render(
                                    PRODUCER,
                                    servers,
                                    tls,
                                    ports(),
                                    "--set=nats.credentials.inline.user=producer,nats.credentials.inline.password=one"),
                            Map.of("tls", files));
                    LocalPod consumer = new LocalPod(
                            folder.resolve("consumer"),
                            "consumer",
                            Charts.render(
                                    CONSUMER,
                                    servers,
                                    tls,
                                    ports(),
                                    "--set=nats.credentials.existingSecret=nats,api.enabled=true",
                                    "--set=config.saf.channels.the-hook.type=webhook",
                                    "--set=channelSecrets.the-hook.existingSecret=hook",
                                    "--set=channelSecrets.the-hook.properties.url=address",
                                    "--set=channelSecrets.the-hook.properties.connect-timeout=patience"),
                            Map.of(
                                    "tls",
                                    files,
                                    "nats",
                                    Map.of("user", "consumer", "password", "two"),
                                    "hook",
                                    Map.of(
                                            "address",
                                            "http://127.0.0.1:"
                                                    + destination.getAddress().getPort(),
                                            "patience",
                                            "3s")))) {
                for (LocalPod pod : List.of(producer, consumer)) {
                    pod.awaitProbe("startupProbe");
                    pod.awaitProbe("livenessProbe");
                    pod.awaitProbe("readinessProbe");
                    assertThat(requireNonNull(pod.test()).statusCode()).isEqualTo(200);
                }
                assertThat(requireNonNull(producer.post("{\"subject\":\"ride.accepted\",\"payload\":{\"ride\":1}}"))
                                .statusCode())
                        .isEqualTo(202);
                await().atMost(Duration.ofSeconds(30))
                        .untilAsserted(() -> assertThat(delivered).containsExactly("{\"ride\":1}"));
                assertThat(producer.endsInTime()).isTrue();
                assertThat(consumer.endsInTime()).isTrue();
            }
        } finally {
            destination.stop(0);
        }
    }

    @Test
    void logsInByTokenFromASecret() throws Exception {
        assertLogsIn("authorization { token: secret }", "token", "secret");
    }

    /** A file, as for credentials. */
    @Test
    void logsInByNkeyFromASecret() throws Exception {
        NKey user = NKey.createUser(new SecureRandom());
        assertLogsIn(
                "authorization { users: [ { nkey: %s } ] }".formatted(new String(user.getPublicKey())),
                "nkey",
                new String(user.getSeed()));
    }

    /** A file that an operator's account has signed. */
    @Test
    void logsInByCredentialsFromASecret() throws Exception {
        Operator operator = Operator.make();
        assertLogsIn(operator.configuration(), "credentials", operator.credentials());
    }

    @Test
    void isCheckedFirstWithWhatIsRenderedAndNothingElse() throws Exception {
        String[] values = {
            "--set=check.enabled=true,nats.credentials.type=user,nats.credentials.existingSecret=nats",
            "--set=config.saf.channels.the-hook.type=webhook,channelSecrets.the-hook.existingSecret=hook",
            "--set=channelSecrets.the-hook.properties.url=address",
            ports()
        };
        Map<String, Map<String, String>> secrets = Map.of(
                "nats",
                Map.of("user", "consumer", "password", "the-password"),
                "hook",
                Map.of("address", "http://127.0.0.1:1/the-path"));
        try (NatsServer nats = NatsServer.builder()
                .config("authorization { user: consumer, password: the-password }")
                .start()) {
            String servers = "--set=nats.servers={" + nats.url() + "}";
            assertChecked(
                    "destination",
                    0,
                    "note  channels: channel the-hook: http://127.0.0.1:1 cannot be reached",
                    Charts.render(CONSUMER, servers, values[0], values[1], values[2], values[3]),
                    secrets);
            assertChecked(
                    "vital",
                    5,
                    "FAIL  channels: channel the-hook: http://127.0.0.1:1 cannot be reached",
                    Charts.render(
                            CONSUMER, servers, values[0], values[1], values[2], values[3], "--set=check.channels=true"),
                    secrets);
            assertChecked(
                    "refused",
                    2,
                    "FAIL  connection: not connected to NATS at " + nats.url(),
                    Charts.render(CONSUMER, servers, values[0], values[1], values[2], values[3]),
                    Map.of(
                            "nats",
                            Map.of("user", "consumer", "password", "the-other-password"),
                            "hook",
                            Map.of("address", "http://127.0.0.1:1/the-path")));
        }
    }

    private void assertChecked(
            String name, int exitCode, String line, List<JsonNode> objects, Map<String, Map<String, String>> secrets)
            throws Exception {
        try (LocalPod check = new LocalPod(folder.resolve(name), "consumer", objects, secrets, "initContainers")) {
            assertThat(check.awaitEnd()).as(check.log()).isEqualTo(exitCode);
            assertThat(check.log()).contains(line).doesNotContain("the-password", "the-other-password", "the-path");
        }
    }

    private void assertLogsIn(String authorization, String type, String secret) throws Exception {
        try (NatsServer nats = NatsServer.builder().config(authorization).start();
                LocalPod producer = new LocalPod(
                        folder,
                        "producer",
                        Charts.render(
                                PRODUCER,
                                "--set=nats.servers={" + nats.url() + "},nats.credentials.type=" + type,
                                "--set=nats.credentials.existingSecret=nats",
                                ports()),
                        Map.of("nats", Map.of(type, secret)))) {
            producer.awaitProbe("readinessProbe");
        }
    }

    private static HttpServer destination(Queue<String> delivered) throws Exception {
        HttpServer destination = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        destination.createContext("/", exchange -> {
            delivered.add(new String(exchange.getRequestBody().readAllBytes(), UTF_8));
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
        });
        destination.start();
        return destination;
    }

    static String ports() {
        return "--set=config.server.port=%d,config.management.server.port=%d"
                .formatted(KubernetesApi.freePort(), KubernetesApi.freePort());
    }
}
