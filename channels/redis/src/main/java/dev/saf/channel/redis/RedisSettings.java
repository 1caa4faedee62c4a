package dev.saf.channel.redis;

import dev.saf.channel.Setting;
import dev.saf.channel.Template;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Where and how events are appended.
 *
 * @param url {@code redis://host:6379} or, with TLS, {@code rediss://host:6379}; {@code /1} at its end for another
 *     database than 0. Required
 * @param username for the server, where it knows more than the default user. Default: none
 * @param password for the server. Default: none
 * @param key of the stream, a template ({@link Template}). Required
 * @param maxLength how many entries a stream keeps at least; older ones are dropped soon (MAXLEN ~). Default: all
 * @param maxAge how long a stream keeps its entries at least; older ones are dropped soon (MINID ~). Default: for ever
 * @param connections how many events are delivered at the same time at most. Default: 8
 * @param connectTimeout how long to try to reach the server, at most a minute. Default: 5s
 * @param sslBundle the name of an SSL bundle ({@code spring.ssl.bundle}) with the certificates to trust and to show;
 *     for rediss only. Default: what the Java platform trusts
 */
public record RedisSettings(
        @Setting(
                value = "The server, redis://host:6379 or rediss://host:6379, with /1 for another database",
                required = true)
        @Nullable
        String url,

        @Setting("The user's name, where there is more than the default user") @Nullable
        String username,

        @Setting(value = "The password", secret = true) @Nullable
        String password,

        @Setting(value = "The key of the stream, a template such as events:{{subject}}", required = true) @Nullable
        String key,

        @Setting("How many entries a stream keeps at least (MAXLEN ~); all where it is not configured") @Nullable
        Long maxLength,

        @Setting("How long a stream keeps its entries at least (MINID ~); for ever where it is not configured")
        @Nullable
        Duration maxAge,

        @Setting(value = "How many events are delivered at the same time at most, 1 to 1000", byDefault = "8") @Nullable
        Integer connections,

        @Setting(value = "How long to try to reach the server, at most 1m", byDefault = "5s") @Nullable
        Duration connectTimeout,

        @Setting("The SSL bundle with the certificates to trust and to show, for rediss") @Nullable
        String sslBundle) {

    /** Refuses what can never work. */
    public RedisSettings {
        URI server = parse(url);
        if (username != null && password == null) {
            throw new IllegalArgumentException("password: is missing for the username");
        }
        if (key == null || key.isBlank()) {
            throw new IllegalArgumentException("key: is missing; it names the stream, such as events:{{subject}}");
        }
        Template.of("key", key);
        if (maxLength != null && maxLength < 1) {
            throw new IllegalArgumentException("max-length: must be at least 1");
        }
        if (maxAge != null && maxAge.compareTo(Duration.ofSeconds(1)) < 0) {
            throw new IllegalArgumentException("max-age: must be at least 1s");
        }
        if (maxLength != null && maxAge != null) {
            throw new IllegalArgumentException(
                    "max-age: cannot be together with max-length, Redis trims by one of them");
        }
        connections = connections == null ? 8 : connections;
        if (connections < 1 || connections > 1000) {
            throw new IllegalArgumentException("connections: must be between 1 and 1000");
        }
        connectTimeout = connectTimeout == null ? Duration.ofSeconds(5) : connectTimeout;
        if (connectTimeout.compareTo(Duration.ofMillis(1)) < 0 || connectTimeout.compareTo(Duration.ofMinutes(1)) > 0) {
            throw new IllegalArgumentException("connect-timeout: must be between 1ms and 1m");
        }
        if (sslBundle != null && !isSecure(server)) {
            throw new IllegalArgumentException("ssl-bundle: is only for a url that begins with rediss://");
        }
    }

    /** Without the password. */
    @Override
    public String toString() {
        return "redis " + url + " " + key;
    }

    URI server() {
        return parse(url);
    }

    static boolean isSecure(URI server) {
        return "rediss".equals(scheme(server));
    }

    static int port(URI server) {
        return server.getPort() > 0 ? server.getPort() : 6379;
    }

    static int database(URI server) {
        return server.getPath().length() <= 1
                ? 0
                : Integer.parseInt(server.getPath().substring(1));
    }

    /** No message repeats the URL: it may hold secrets. */
    private static URI parse(@Nullable String url) {
        if (url == null || url.isBlank()) {
            throw new IllegalArgumentException(
                    "url: is missing; it says where the server is, such as redis://redis.example.org:6379");
        }
        URI parsed;
        try {
            parsed = new URI(url.strip());
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("url: is no URL: " + e.getReason(), e);
        }
        if (!"redis".equals(scheme(parsed)) && !"rediss".equals(scheme(parsed))) {
            throw new IllegalArgumentException("url: must begin with redis:// or rediss://");
        }
        if (parsed.getRawUserInfo() != null) {
            throw new IllegalArgumentException("url: must not have a user name or password; these are settings");
        }
        if (parsed.getHost() == null || parsed.getPort() == 0 || parsed.getPort() > 65535) {
            throw new IllegalArgumentException("url: must name a host and a port, such as redis://host:6379");
        }
        if (!parsed.getRawPath().matches("|/|/[0-9]{1,4}")
                || parsed.getRawQuery() != null
                || parsed.getRawFragment() != null) {
            throw new IllegalArgumentException("url: must end after the port or the number of a database, such as /1");
        }
        return parsed;
    }

    private static String scheme(URI url) {
        return url.getScheme() == null ? "" : url.getScheme().toLowerCase(Locale.ROOT);
    }
}
