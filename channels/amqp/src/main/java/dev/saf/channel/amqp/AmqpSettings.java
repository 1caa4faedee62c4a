package dev.saf.channel.amqp;

import dev.saf.channel.Setting;
import dev.saf.channel.Template;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where and how events are published.
 *
 * @param urls one node of RabbitMQ or several of a cluster, of which the first that takes the connection is used:
 *     {@code amqp://host:5672} or, with TLS, {@code amqps://host:5671}. Required
 * @param virtualHost which part of the broker. Default: /
 * @param username for the broker. Default: guest
 * @param password for the broker. Default: guest
 * @param exchange a template ({@link Template}); the exchange has to be there. Default: the default exchange, for which
 *     the routing key is the name of a queue
 * @param routingKey a template. Default: the event's subject
 * @param mandatory whether an event that no queue takes is rejected; otherwise RabbitMQ drops it. Default: true
 * @param heartbeat how often both sides show that they are there; a connection ends after two that are missing.
 *     Default: 10s
 * @param connectTimeout how long to try to reach a node, at most a minute. Default: 5s
 * @param sslBundle the name of an SSL bundle ({@code spring.ssl.bundle}) with the certificates to trust and to show;
 *     for amqps only. Default: what the Java platform trusts
 */
public record AmqpSettings(
        @Setting(
                value = "The broker's nodes, amqp://host:5672 or amqps://host:5671; the first that answers is used",
                required = true)
        @Nullable
        List<String> urls,

        @Setting(value = "The virtual host", byDefault = "/") @Nullable
        String virtualHost,

        @Setting(value = "The user's name", byDefault = "guest") @Nullable
        String username,

        @Setting(value = "The user's password; guest where there is no username", secret = true) @Nullable
        String password,

        @Setting("The exchange, a template; the default exchange where it is not configured") @Nullable
        String exchange,

        @Setting(value = "The routing key, a template", byDefault = "{{subject}}") @Nullable
        String routingKey,

        @Setting(value = "Whether an event that no queue takes is rejected, otherwise dropped", byDefault = "true")
        @Nullable
        Boolean mandatory,

        @Setting(value = "How often both sides show that they are there, 1s to 10m", byDefault = "10s") @Nullable
        Duration heartbeat,

        @Setting(value = "How long to try to reach a node, at most 1m", byDefault = "5s") @Nullable
        Duration connectTimeout,

        @Setting("The SSL bundle with the certificates to trust and to show, for amqps") @Nullable
        String sslBundle) {

    /** Refuses what can never work. */
    public AmqpSettings {
        urls = urls == null ? List.of() : List.copyOf(urls);
        if (urls.isEmpty()) {
            throw new IllegalArgumentException(
                    "urls: is missing; it says where the broker is, such as amqp://rabbitmq.example.org:5672");
        }
        List<URI> nodes = urls.stream().map(AmqpSettings::parse).toList();
        if (nodes.stream().map(AmqpSettings::isSecure).distinct().count() > 1) {
            throw new IllegalArgumentException("urls: must all begin with amqp:// or all with amqps://");
        }
        virtualHost = virtualHost == null ? "/" : virtualHost;
        if (virtualHost.isBlank()) {
            throw new IllegalArgumentException("virtual-host: must not be blank; the one there is by default is /");
        }
        if (username == null && password != null) {
            throw new IllegalArgumentException("password: is only for a username");
        }
        if (username != null && password == null) {
            throw new IllegalArgumentException("password: is missing for the username");
        }
        exchange = exchange == null ? "" : exchange;
        Template.of("exchange", exchange);
        routingKey = routingKey == null ? "{{subject}}" : routingKey;
        Template.of("routing-key", routingKey);
        mandatory = mandatory == null ? Boolean.TRUE : mandatory;
        heartbeat =
                between("heartbeat", heartbeat, Duration.ofSeconds(10), Duration.ofSeconds(1), Duration.ofMinutes(10));
        connectTimeout = between(
                "connect-timeout", connectTimeout, Duration.ofSeconds(5), Duration.ofMillis(1), Duration.ofMinutes(1));
        if (sslBundle != null && !isSecure(nodes.getFirst())) {
            throw new IllegalArgumentException("ssl-bundle: is only for urls that begin with amqps://");
        }
    }

    /** Without the password. */
    @Override
    public String toString() {
        return "amqp " + urls + " " + virtualHost;
    }

    List<URI> nodes() {
        return Objects.requireNonNull(urls).stream().map(AmqpSettings::parse).toList();
    }

    static boolean isSecure(URI node) {
        return "amqps".equals(scheme(node));
    }

    static int port(URI node) {
        return node.getPort() > 0 ? node.getPort() : isSecure(node) ? 5671 : 5672;
    }

    private static Duration between(
            String key, @Nullable Duration value, Duration byDefault, Duration least, Duration most) {
        if (value == null) {
            return byDefault;
        }
        if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
            throw new IllegalArgumentException(key + ": must be between " + least + " and " + most);
        }
        return value;
    }

    /** No message repeats the URL: it may hold secrets. */
    private static URI parse(String url) {
        URI parsed;
        try {
            parsed = new URI(url.strip());
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("urls: has what is no URL: " + e.getReason(), e);
        }
        if (!"amqp".equals(scheme(parsed)) && !"amqps".equals(scheme(parsed))) {
            throw new IllegalArgumentException("urls: must each begin with amqp:// or amqps://");
        }
        if (parsed.getRawUserInfo() != null) {
            throw new IllegalArgumentException("urls: must not have a user name or password; these are settings");
        }
        if (parsed.getHost() == null || parsed.getPort() == 0 || parsed.getPort() > 65535) {
            throw new IllegalArgumentException("urls: must each name a host and a port, such as amqp://host:5672");
        }
        if (!parsed.getRawPath().isEmpty() || parsed.getRawQuery() != null || parsed.getRawFragment() != null) {
            throw new IllegalArgumentException("urls: must end after the port; virtual-host is a setting");
        }
        return parsed;
    }

    private static String scheme(URI url) {
        return url.getScheme() == null ? "" : url.getScheme().toLowerCase(Locale.ROOT);
    }
}
