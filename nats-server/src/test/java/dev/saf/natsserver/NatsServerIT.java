package dev.saf.natsserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.nats.client.Connection;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@SuppressWarnings("try") // A jnats connection may be interrupted while it closes.
class NatsServerIT {

    @Test
    void keepsAStoredMessageAndThePortThroughKillAndRestart() throws Exception {
        try (NatsServer server = NatsServer.start()) {
            createStream(server);
            publish(server, "kept");
            int port = server.port();
            long pid = server.pid();

            server.kill();
            assertThat(server.isRunning()).isFalse();
            assertThatThrownBy(() -> connect(server)).isInstanceOf(IOException.class);

            server.restart();
            assertThat(server.port()).isEqualTo(port);
            assertThat(server.pid()).isNotEqualTo(pid);
            assertThat(firstMessage(server)).isEqualTo("kept");
        }
    }

    @Test
    void keepsAStoredMessageThroughStopAndRestart() throws Exception {
        try (NatsServer server = NatsServer.start()) {
            createStream(server);
            publish(server, "kept");
            server.stop();
            server.restart();
            assertThat(firstMessage(server)).isEqualTo("kept");
        }
    }

    @Test
    void answersNothingWhileFrozenAndEverythingAfterwards() throws Exception {
        try (NatsServer server = NatsServer.start();
                Connection connection = connect(server)) {
            server.freeze();
            assertThat(server.isRunning()).isTrue();
            assertThatThrownBy(() -> connection.flush(Duration.ofMillis(300)))
                    .isInstanceOf(java.util.concurrent.TimeoutException.class);

            server.thaw();
            connection.flush(Duration.ofSeconds(10));
            assertThat(connection.getStatus()).isEqualTo(Connection.Status.CONNECTED);
        }
    }

    @Test
    void endsEvenWhenFrozen() {
        try (NatsServer server = NatsServer.start()) {
            server.freeze();
            server.stop();
            assertThat(server.isRunning()).isFalse();
            server.restart();
            server.freeze();
            server.kill();
            assertThat(server.isRunning()).isFalse();
        }
    }

    @Test
    void leavesNoProcessAndNoFolderBehindOnClose() {
        long before = ProcessHandle.current().descendants().count();
        NatsServer server = NatsServer.start();
        assertThat(ProcessHandle.of(server.pid())).isPresent();

        server.close();

        assertThat(ProcessHandle.of(server.pid()).filter(ProcessHandle::isAlive))
                .isEmpty();
        assertThat(ProcessHandle.current().descendants().count()).isEqualTo(before);
        assertThat(server.store()).doesNotExist();
        server.close();
    }

    @Test
    void doesNotOutliveAKilledJvm(@TempDir Path folder) throws Exception {
        Process jvm = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Forgetful.class.getName(),
                        folder.toString())
                .start();
        long pid = Long.parseLong(jvm.inputReader().readLine());
        ProcessHandle server = ProcessHandle.of(pid).orElseThrow();

        jvm.destroyForcibly().waitFor();

        await().atMost(Duration.ofSeconds(10)).until(() -> !server.isAlive());
    }

    @Test
    void keepsAFolderItWasGiven(@TempDir Path folder) throws Exception {
        Path store = folder.resolve("a \"quoted\" folder");
        try (NatsServer server = NatsServer.builder().store(store).start()) {
            createStream(server);
            publish(server, "kept");
        }
        assertThat(store).isDirectory();
        try (NatsServer server = NatsServer.builder().store(store).start()) {
            assertThat(firstMessage(server)).isEqualTo("kept");
        }
    }

    @Test
    void appliesOtherConfigurationOnReloadAndRestart() throws Exception {
        try (NatsServer server = NatsServer.start()) {
            server.reload("max_payload: 100");
            assertThat(maxPayload(server)).isEqualTo(100);
            assertThatThrownBy(() -> server.reload("max_payload: much"))
                    .isInstanceOf(NatsServerException.class)
                    .hasMessageContaining("Failed to reload server configuration");
            server.restart();
            assertThat(maxPayload(server)).isEqualTo(100);
            server.restartWith("max_payload: 200");
            assertThat(maxPayload(server)).isEqualTo(200);
        }
    }

    @Test
    void saysWhyItDoesNotStart() {
        try (NatsServer other = NatsServer.start()) {
            assertThatThrownBy(() -> NatsServer.builder().port(other.port()).start())
                    .isInstanceOf(NatsServerException.class)
                    .hasMessageContaining("address already in use");
        }
        assertThatThrownBy(() -> NatsServer.builder().config("max_payload: {").start())
                .isInstanceOf(NatsServerException.class)
                .hasMessageContaining("nats-server ended while it was expected to serve");
        assertThatThrownBy(() ->
                        NatsServer.builder().executable(Path.of("/missing")).start())
                .isInstanceOf(NatsServerException.class)
                .hasMessageContaining("/missing: No such file");
    }

    @Test
    void electsALeaderInAClusterAndSurvivesTheLossOfANode() throws Exception {
        try (NatsCluster cluster = NatsCluster.start(3)) {
            NatsServer first = cluster.nodes().getFirst();
            try (Connection connection = connect(cluster.nodes().getLast())) {
                connection.jetStreamManagement().addStream(stream(3));
                connection.jetStream().publish("a.b", "before".getBytes(StandardCharsets.UTF_8));

                first.kill();
                await().atMost(Duration.ofSeconds(30))
                        .ignoreExceptions()
                        .untilAsserted(() -> assertThat(connection
                                        .jetStream()
                                        .publish("a.b", "without".getBytes(StandardCharsets.UTF_8))
                                        .getStream())
                                .isEqualTo("S"));
            }
            first.restart();
            cluster.awaitLeader();
            assertThat(firstMessage(first)).isEqualTo("before");
            assertThat(cluster.urls()).hasSize(3).contains(first.url());
        }
    }

    private static Connection connect(NatsServer server) throws IOException, InterruptedException {
        return Nats.connect(Options.builder()
                .server(server.url())
                .noReconnect()
                .connectionTimeout(Duration.ofSeconds(10))
                .build());
    }

    private static StreamConfiguration stream(int replicas) {
        return StreamConfiguration.builder()
                .name("S")
                .subjects("a.>")
                .storageType(StorageType.File)
                .replicas(replicas)
                .build();
    }

    private static void createStream(NatsServer server) throws Exception {
        try (Connection connection = connect(server)) {
            connection.jetStreamManagement().addStream(stream(1));
        }
    }

    private static void publish(NatsServer server, String text) throws Exception {
        try (Connection connection = connect(server)) {
            connection
                    .jetStream()
                    .publishAsync("a.b", text.getBytes(StandardCharsets.UTF_8))
                    .get(10, TimeUnit.SECONDS);
        }
    }

    private static String firstMessage(NatsServer server) throws Exception {
        try (Connection connection = connect(server)) {
            return new String(
                    connection.jetStreamManagement().getMessage("S", 1).getData(), StandardCharsets.UTF_8);
        }
    }

    private static long maxPayload(NatsServer server) throws Exception {
        try (Connection connection = connect(server)) {
            return connection.getMaxPayload();
        }
    }

    /** Starts a server and never thinks of it again. */
    static final class Forgetful {

        private Forgetful() {}

        static void main(String[] arguments) throws Exception {
            Path store = Files.createDirectories(Path.of(arguments[0], "store"));
            NatsServer server = NatsServer.builder()
                    .store(store)
                    .progress(System.err::println)
                    .start();
            System.out.println(server.pid());
            Thread.currentThread().join();
        }
    }
}
