package dev.saf.jetstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.natsserver.NatsCluster;
import dev.saf.natsserver.NatsServer;
import io.nats.client.Connection;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class NatsConnectionIT {

    @Test
    void comesUpWhenNatsStartsLast() throws IOException {
        int port = freePort();
        try (NatsConnection connection = connection("servers", "nats://127.0.0.1:" + port)) {
            await().untilAsserted(() -> assertThat(connection.problem()).contains("refused"));
            assertThat(connection.current()).isNull();
            try (NatsServer server = NatsServer.builder().port(port).start()) {
                assertThat(server.isRunning()).isTrue();
                awaitUp(connection);
                assertThat(connection.epoch()).isEqualTo(1);
                assertThat(connection.problem()).isNull();
            }
        }
    }

    @Test
    void comesBackAfterEachRestart() {
        try (NatsServer server = NatsServer.start();
                NatsConnection connection = connection("servers", server.url())) {
            awaitUp(connection);
            AtomicInteger changes = new AtomicInteger();
            connection.onChange(changes::incrementAndGet);
            for (int i = 0; i < 3; i++) {
                long epoch = connection.epoch();
                server.kill();
                await().until(() -> connection.current() == null);
                server.restart();
                await().atMost(Duration.ofSeconds(5)).until(() -> connection.epoch() > epoch);
                awaitUp(connection);
            }
            await().untilAsserted(() -> assertThat(changes.get()).isGreaterThanOrEqualTo(3));
            assertThat(connection.watch().reconnects.sum()).isEqualTo(3);
        }
    }

    @Test
    void goesOverToAnotherServerOfTheCluster() {
        try (NatsCluster cluster = NatsCluster.start(3);
                Running running = Running.on(
                        Settled.nats("servers", String.join(",", cluster.urls())),
                        Settled.streams(
                                "events.replicas", "3",
                                "events.max-bytes", "100MB",
                                "dead-letters.replicas", "3",
                                "dead-letters.max-bytes", "100MB"))) {
            running.usable();
            String url = String.valueOf(running.nats().getConnectedUrl());
            long epoch = running.connection().epoch();
            cluster.nodes().stream()
                    .filter(node -> url.contains(":" + node.port()))
                    .forEach(NatsServer::kill);
            await().atMost(Duration.ofSeconds(5))
                    .until(() -> running.connection().epoch() > epoch);
            assertThat(running.nats().getConnectedUrl()).isNotEqualTo(url);
            // Nobody answers while a new leader is chosen.
            await().atMost(Duration.ofSeconds(20))
                    .ignoreExceptions()
                    .untilAsserted(() -> assertThat(running.management()
                                    .getStreamInfo("events")
                                    .getConfiguration()
                                    .getReplicas())
                            .isEqualTo(3));
            assertThat(running.problem()).isEmpty();
        }
    }

    @Test
    void comesBackAfterTheClientClosedItselfForGood() {
        try (NatsServer server = NatsServer.builder().config(user("one")).start();
                NatsConnection connection = connection("servers", server.url(), "user", "saf", "password", "one")) {
            awaitUp(connection);
            Connection first = connection.current();
            assertThat(first).isNotNull();
            server.kill();
            server.restartWith(user("two"));
            await().atMost(Duration.ofSeconds(20)).until(() -> first.getStatus() == Connection.Status.CLOSED);
            assertThat(connection.problem())
                    .containsIgnoringCase("authorization violation")
                    .doesNotContain("one");
            server.reload(user("one"));
            awaitUp(connection);
            assertThat(connection.current()).isNotSameAs(first);
        }
    }

    private static NatsConnection connection(String... settings) {
        NatsConnection connection = new NatsConnection(Settled.nats(settings), null);
        connection.start();
        return connection;
    }

    private static void awaitUp(NatsConnection connection) {
        await().atMost(Duration.ofSeconds(10)).until(() -> connection.current() != null);
    }

    private static String user(String password) {
        return "authorization { user: saf, password: " + password + " }";
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
