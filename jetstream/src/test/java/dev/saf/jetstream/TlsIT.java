package dev.saf.jetstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.natsserver.NatsServer;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.ssl.DefaultSslBundleRegistry;
import org.springframework.boot.ssl.SslBundles;

@Timeout(60)
class TlsIT {

    /** The servers' store, too, so that one in a container can read the certificates. */
    @TempDir
    private static Path folder;

    private static Certificate localhost;
    private static Certificate elsewhere;
    private static Certificate client;

    @BeforeAll
    static void makeCertificates() throws Exception {
        localhost = Certificate.of(folder, "localhost");
        elsewhere = Certificate.of(folder, "elsewhere.example");
        client = Certificate.of(folder, "client.example");
    }

    @Test
    void connectsToAServerWithTheRightName() throws Exception {
        try (NatsServer server = server(localhost, "");
                NatsConnection connection = connect("tls://localhost:" + server.port(), localhost.trusting(null))) {
            awaitUp(connection);
        }
    }

    @Test
    void turnsTlsOnWhateverTheScheme() throws Exception {
        try (NatsServer server = server(localhost, "");
                NatsConnection connection = connect("nats://localhost:" + server.port(), localhost.trusting(null))) {
            awaitUp(connection);
            assertThat(connection.settings().usesTls()).isTrue();
        }
    }

    @Test
    void refusesAServerWithAnotherName() throws Exception {
        try (NatsServer server = server(elsewhere, "");
                NatsConnection connection = connect("tls://localhost:" + server.port(), elsewhere.trusting(null))) {
            awaitRefusal(connection, "name matching localhost found");
        }
    }

    @Test
    void refusesAnAddressThatIsNotInTheCertificate() throws Exception {
        try (NatsServer server = server(localhost, "");
                NatsConnection connection = connect("tls://127.0.0.1:" + server.port(), localhost.trusting(null))) {
            awaitRefusal(connection, "127.0.0.1");
        }
    }

    @Test
    void refusesAServerNobodyTrustedHasSigned() throws Exception {
        try (NatsServer server = server(localhost, "");
                NatsConnection connection = connect("tls://localhost:" + server.port(), elsewhere.trusting(null))) {
            awaitRefusal(connection, "certification path");
        }
    }

    @Test
    void usesARenewedBundleWithoutARestart() throws Exception {
        DefaultSslBundleRegistry bundles =
                new DefaultSslBundleRegistry("nats", elsewhere.trusting(null).getBundle("nats"));
        try (NatsServer server = server(localhost, "");
                NatsConnection connection = connect("tls://localhost:" + server.port(), bundles)) {
            awaitRefusal(connection, "certification path");
            bundles.updateBundle("nats", localhost.trusting(null).getBundle("nats"));
            awaitUp(connection);
        }
    }

    @Test
    void refusesAServerWithoutTls() throws Exception {
        try (NatsServer server = NatsServer.start();
                NatsConnection connection = connect("tls://localhost:" + server.port(), localhost.trusting(null))) {
            awaitRefusal(connection, "SSL connection wanted by client");
        }
    }

    @Test
    void showsItsOwnCertificate() throws Exception {
        String verify = ", verify: true, ca_file: \"%s\"".formatted(client.certificate());
        try (NatsServer server = server(localhost, verify);
                NatsConnection known = connect("tls://localhost:" + server.port(), localhost.trusting(client));
                NatsConnection anonymous = connect("tls://localhost:" + server.port(), localhost.trusting(null))) {
            awaitUp(known);
            await().until(() -> anonymous.watch().lastError() != null);
            assertThat(anonymous.current()).isNull();
        }
    }

    @Test
    void speaksWebSocket() throws Exception {
        int port = freePort();
        try (NatsServer server = NatsServer.builder()
                        .config("websocket { listen: \"127.0.0.1:%d\", no_tls: true }".formatted(port))
                        .start();
                NatsConnection connection =
                        new NatsConnection(Settled.nats("servers", "ws://localhost:" + port), null)) {
            assertThat(server.isRunning()).isTrue();
            connection.start();
            awaitUp(connection);
        }
    }

    @Test
    void verifiesTheNameOverWebSocketToo() throws Exception {
        int right = freePort();
        try (NatsServer server = webSocket(right, localhost);
                NatsConnection connection = connect("wss://localhost:" + right, localhost.trusting(null))) {
            assertThat(server.isRunning()).isTrue();
            awaitUp(connection);
        }
        int wrong = freePort();
        try (NatsServer server = webSocket(wrong, elsewhere);
                NatsConnection connection = connect("wss://localhost:" + wrong, elsewhere.trusting(null))) {
            assertThat(server.isRunning()).isTrue();
            awaitRefusal(connection, "name matching localhost found");
        }
    }

    private static NatsServer server(Certificate certificate, String more) {
        return NatsServer.builder()
                .store(folder)
                .config("tls { " + certificate.lines() + more + " }")
                .start();
    }

    private static NatsServer webSocket(int port, Certificate certificate) {
        return NatsServer.builder()
                .store(folder)
                .config("websocket { listen: \"127.0.0.1:%d\", tls { %s } }".formatted(port, certificate.lines()))
                .start();
    }

    private static NatsConnection connect(String url, SslBundles bundles) {
        NatsConnection connection = new NatsConnection(Settled.nats("servers", url, "ssl-bundle", "nats"), bundles);
        connection.start();
        return connection;
    }

    private static void awaitUp(NatsConnection connection) {
        await().atMost(Duration.ofSeconds(10)).until(() -> connection.current() != null);
    }

    private static void awaitRefusal(NatsConnection connection, String reason) {
        await().atMost(Duration.ofSeconds(10))
                .untilAsserted(() -> assertThat(connection.problem()).contains(reason));
        assertThat(connection.current()).isNull();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
