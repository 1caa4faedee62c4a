package dev.saf.jetstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.natsserver.NatsServer;
import io.nats.client.NKey;
import io.nats.client.support.JwtUtils;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class LoginIT {

    private static final SecureRandom RANDOM = new SecureRandom();

    @TempDir
    private Path folder;

    @Test
    void logsInByUserAndPassword() {
        try (NatsServer server = NatsServer.builder()
                .config("authorization { user: saf, password: secret }")
                .start()) {
            assertLogsIn(server, "user", "saf", "password", "secret");
            assertRefused(server);
            assertRefused(server, "user", "saf", "password", "other");
        }
    }

    @Test
    void logsInByToken() {
        try (NatsServer server =
                NatsServer.builder().config("authorization { token: secret }").start()) {
            assertLogsIn(server, "token", "secret");
            assertRefused(server, "token", "other");
        }
    }

    @Test
    void logsInByNkeyAndReadsTheFileAgain() throws Exception {
        NKey key = NKey.createUser(RANDOM);
        Path seed = Files.writeString(
                folder.resolve("saf.nk"), new String(NKey.createUser(RANDOM).getSeed()));
        try (NatsServer server = NatsServer.builder()
                        .config("authorization { users: [ { nkey: %s } ] }".formatted(new String(key.getPublicKey())))
                        .start();
                NatsConnection connection = connect(server, "nkey", seed.toString())) {
            await().until(() -> connection.watch().authentications.sum() > 0);
            Files.writeString(seed, new String(key.getSeed()));
            awaitUp(connection);
        }
    }

    @Test
    void logsInByCredentials() throws Exception {
        NKey operator = NKey.createOperator(RANDOM);
        NKey system = NKey.createAccount(RANDOM);
        NKey account = NKey.createAccount(RANDOM);
        NKey user = NKey.createUser(RANDOM);
        String config = """
            operator: %s
            system_account: %s
            resolver: MEMORY
            resolver_preload: { %s: %s, %s: %s }
            """.formatted(
                        issue(operator, operator, "{\"type\":\"operator\",\"version\":2}"),
                        name(system),
                        name(system),
                        issue(operator, system, account("0")),
                        name(account),
                        issue(operator, account, account("-1")));
        String jwt = JwtUtils.issueUserJWT(account, name(account), name(user));
        Path credentials = Files.writeString(
                folder.resolve("saf.creds"), JwtUtils.NATS_USER_JWT_FORMAT.formatted(jwt, new String(user.getSeed())));
        try (NatsServer server = NatsServer.builder().config(config).start()) {
            assertLogsIn(server, "credentials", credentials.toString());
            try (Running running = Running.on(
                    Settled.nats("servers", server.url(), "credentials", credentials.toString()), Settled.streams())) {
                running.usable();
            }
            assertRefused(server);
        }
    }

    @Test
    void usesItsOwnInboxPrefix() {
        String config = """
            authorization { users: [ { user: saf, password: secret, permissions: {
              publish: ">", subscribe: "_INBOX_producer.>"
            } } ] }
            """;
        try (NatsServer server = NatsServer.builder().config(config).start()) {
            String[] login = {"servers", server.url(), "user", "saf", "password", "secret", "request-timeout", "300ms"};
            String[] prefixed = Stream.concat(
                            List.of(login).stream(), List.of("inbox-prefix", "_INBOX_producer").stream())
                    .toArray(String[]::new);
            try (Running running = Running.on(Settled.nats(prefixed), Settled.streams())) {
                running.usable();
            }
            try (Running running = Running.on(Settled.nats(login), Settled.streams())) {
                await().untilAsserted(() -> assertThat(running.problem())
                        .contains("stream events could not be looked at")
                        .contains("Permissions Violation for Subscription to \"_INBOX."));
            }
        }
    }

    @Test
    void findsTheServerThatIsThere() {
        try (NatsServer server = NatsServer.start();
                NatsConnection connection = new NatsConnection(
                        Settled.nats("servers", "nats://127.0.0.1:1," + server.url() + ",nats://127.0.0.1:2"), null)) {
            connection.start();
            awaitUp(connection);
        }
    }

    @Test
    void saysWhoItIs() {
        try (NatsServer server = NatsServer.start();
                NatsConnection connection = connect(server, "connection-name", "saf-test")) {
            awaitUp(connection);
            assertThat(connection.settings().toString()).contains("saf-test");
        }
    }

    private static void assertLogsIn(NatsServer server, String... login) {
        try (NatsConnection connection = connect(server, login)) {
            awaitUp(connection);
        }
    }

    private static void assertRefused(NatsServer server, String... login) {
        try (NatsConnection connection = connect(server, login)) {
            await().untilAsserted(() -> assertThat(connection.problem())
                    .containsIgnoringCase("authorization violation")
                    .doesNotContain("secret"));
        }
    }

    private static NatsConnection connect(NatsServer server, String... login) {
        String[] settings = Stream.concat(
                        List.of("servers", server.url(), "connect-timeout", "1s").stream(), List.of(login).stream())
                .toArray(String[]::new);
        NatsConnection connection = new NatsConnection(Settled.nats(settings), null);
        connection.start();
        return connection;
    }

    private static void awaitUp(NatsConnection connection) {
        await().atMost(Duration.ofSeconds(15)).until(() -> connection.current() != null);
    }

    private static String issue(NKey by, NKey subject, String claims) throws Exception {
        return JwtUtils.issueJWT(
                by, name(subject), "test", null, JwtUtils.currentTimeSeconds(), name(by), () -> claims);
    }

    private static String account(String storage) {
        return """
            {"type":"account","version":2,"limits":{"subs":-1,"data":-1,"payload":-1,"imports":-1,"exports":-1,\
            "wildcards":true,"conn":-1,"leaf":-1,"mem_storage":%s,"disk_storage":%s,"streams":%s,"consumer":%s}}\
            """.formatted(storage, storage, storage, storage);
    }

    private static String name(NKey key) throws Exception {
        return new String(key.getPublicKey());
    }
}
