package dev.saf.jetstream;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * {@code saf.nats.*}: where NATS is and how to talk to it.
 *
 * @param servers URLs of one or several servers of the same cluster: {@code nats://}, {@code tls://} (TLS),
 *     {@code ws://} or {@code wss://} (WebSocket, with TLS), without user and password
 * @param user with a password, for servers with users; null for none
 * @param password belongs to the user
 * @param token for servers with a token
 * @param nkey a file with the seed of an NKey; read again for each login
 * @param credentials a {@code .creds} file with a JWT and its seed; read again for each login
 * @param sslBundle the name of a {@code spring.ssl.bundle}: what to trust and, for mutual TLS, the own certificate;
 *     turns TLS on whatever the scheme. The server's host name is verified
 * @param inboxPrefix the first tokens of the subjects answers come to, for permissions per service
 * @param connectionName what the server shows this connection as; null for the service's name
 * @param connectTimeout for one attempt at one server
 * @param requestTimeout for one question about streams and consumers
 * @param writeTimeout how long the server may refuse to take bytes before the connection is given up
 * @param pingInterval how often a silent server is asked for a sign of life
 * @param maxPingsOut how many such questions may be open before the connection is given up
 * @param reconnectWait the pause after all servers have been tried
 * @param reconnectJitter the most that is added to it at random
 */
public record NatsSettings(
        @DefaultValue("nats://127.0.0.1:4222") List<String> servers,
        @Nullable String user,
        @Nullable String password,
        @Nullable String token,
        @Nullable String nkey,
        @Nullable String credentials,
        @Nullable String sslBundle,
        @DefaultValue("_INBOX") String inboxPrefix,
        @Nullable String connectionName,
        @DefaultValue("2s") Duration connectTimeout,
        @DefaultValue("2s") Duration requestTimeout,
        @DefaultValue("5s") Duration writeTimeout,
        @DefaultValue("5s") Duration pingInterval,
        @DefaultValue("2") int maxPingsOut,
        @DefaultValue("250ms") Duration reconnectWait,
        @DefaultValue("250ms") Duration reconnectJitter) {

    private static final String URLS =
            "servers: must be URLs of nats://, tls://, ws:// or wss:// with a host, such as nats://127.0.0.1:4222";
    private static final Set<String> SCHEMES = Set.of("nats", "tls", "ws", "wss");
    /** A seed, or a text with one. */
    private static final Pattern CONTENT = Pattern.compile("-----BEGIN|\\bS[A-Z][A-Z2-7]{56}\\b");

    private static final Pattern INBOX_PREFIX = Pattern.compile("[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*\\.?");

    /**
     * Checks what can be checked without a connection.
     *
     * @throws IllegalArgumentException if a value or a combination of values cannot work
     */
    public NatsSettings {
        servers = List.copyOf(servers);
        if (servers.isEmpty()) {
            throw new IllegalArgumentException("servers: must name at least one server, such as nats://127.0.0.1:4222");
        }
        servers.forEach(NatsSettings::checkServer);
        if (servers.stream().map(NatsSettings::isWebSocket).distinct().count() > 1) {
            throw new IllegalArgumentException("servers: must be all ws:// or wss://, or none of them");
        }
        user = emptyAsNull(user);
        password = emptyAsNull(password);
        token = emptyAsNull(token);
        nkey = file("nkey", nkey);
        credentials = file("credentials", credentials);
        sslBundle = emptyAsNull(sslBundle);
        connectionName = emptyAsNull(connectionName);
        if (user == null && password != null) {
            throw new IllegalArgumentException("user: must be set where saf.nats.password is");
        }
        if (user != null && password == null) {
            throw new IllegalArgumentException("password: must be set where saf.nats.user is");
        }
        if (Stream.of(user, token, nkey, credentials).filter(way -> way != null).count() > 1) {
            throw new IllegalArgumentException(
                    "user: there must be one way to log in, either user and password, or token, or nkey, or"
                            + " credentials");
        }
        if (sslBundle != null && servers.stream().anyMatch(server -> server.startsWith("ws:"))) {
            throw new IllegalArgumentException("ssl-bundle: has no effect on ws://, use wss:// in saf.nats.servers");
        }
        if (!INBOX_PREFIX.matcher(inboxPrefix).matches()) {
            throw new IllegalArgumentException(
                    "inbox-prefix: must be dot-separated tokens of [A-Za-z0-9_-], such as _INBOX_producer");
        }
        checkPositive("connect-timeout", connectTimeout);
        checkPositive("request-timeout", requestTimeout);
        checkPositive("write-timeout", writeTimeout);
        checkPositive("ping-interval", pingInterval);
        checkPositive("reconnect-wait", reconnectWait);
        if (maxPingsOut < 1) {
            throw new IllegalArgumentException("max-pings-out: must be at least 1, is " + maxPingsOut);
        }
        if (reconnectJitter.isNegative()) {
            throw new IllegalArgumentException("reconnect-jitter: must not be negative, is " + reconnectJitter);
        }
    }

    boolean usesTls() {
        return sslBundle != null
                || servers.stream().anyMatch(server -> server.startsWith("tls:"))
                || servers.stream().anyMatch(server -> server.startsWith("wss:"));
    }

    NatsSettings withConnectionName(String name) {
        return new NatsSettings(
                servers,
                user,
                password,
                token,
                nkey,
                credentials,
                sslBundle,
                inboxPrefix,
                name,
                connectTimeout,
                requestTimeout,
                writeTimeout,
                pingInterval,
                maxPingsOut,
                reconnectWait,
                reconnectJitter);
    }

    /** All but the secrets. */
    @Override
    public String toString() {
        return "NatsSettings[servers=%s, sslBundle=%s, connectionName=%s]"
                .formatted(servers, sslBundle, connectionName);
    }

    private static void checkServer(String server) {
        URI uri;
        try {
            uri = new URI(server);
        } catch (URISyntaxException e) {
            // Its message would repeat the value, which may hold a password.
            throw new IllegalArgumentException(URLS);
        }
        if (uri.getRawUserInfo() != null) {
            throw new IllegalArgumentException(
                    "servers: must not contain a user, password or token, which would end up in"
                            + " logs; use saf.nats.user and saf.nats.password, or saf.nats.token");
        }
        if (uri.getHost() == null || uri.getScheme() == null || !SCHEMES.contains(uri.getScheme())) {
            throw new IllegalArgumentException(
                    "servers: must be URLs of nats://, tls://, ws:// or wss:// with a host, such as"
                            + " nats://127.0.0.1:4222");
        }
    }

    private static boolean isWebSocket(String server) {
        return server.startsWith("ws");
    }

    private static @Nullable String emptyAsNull(@Nullable String value) {
        return value == null || value.isEmpty() ? null : value;
    }

    private static @Nullable String file(String key, @Nullable String path) {
        String file = emptyAsNull(path);
        if (file != null && CONTENT.matcher(file).find()) {
            throw new IllegalArgumentException(key + ": must be the name of a file, not what is in it");
        }
        if (file != null && !Files.isReadable(Path.of(file))) {
            throw new IllegalArgumentException(key + ": '" + file + "' is not a file that can be read");
        }
        return file;
    }

    private static void checkPositive(String key, Duration duration) {
        if (!duration.isPositive()) {
            throw new IllegalArgumentException(key + ": must be more than zero, is " + duration);
        }
    }
}
