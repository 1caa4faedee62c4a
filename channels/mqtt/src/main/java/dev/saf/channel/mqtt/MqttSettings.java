package dev.saf.channel.mqtt;

import dev.saf.channel.Setting;
import dev.saf.channel.Template;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Where and how events are published.
 *
 * @param urls one broker, or several that are as good as each other: the first that takes the connection is used.
 *     {@code mqtt://host:1883} or, with TLS, {@code mqtts://host:8883}. Required
 * @param version of the protocol: 5 or 3.1.1, which knows no headers and no refusal of a message. Default: 5
 * @param clientId must be another for every running instance of the service. Default: a new one for every connection
 * @param topic a template ({@link Template}). Required
 * @param qos 0, 1 or 2. Delivered means written to the network for 0, which can lose events, and confirmed by the
 *     broker for 1 and 2. Default: 1
 * @param retain whether the broker keeps the last event of a topic for who subscribes later. Default: false
 * @param username for the broker. Default: none
 * @param password for the broker. Default: none
 * @param keepAlive how long a connection may be silent before both sides take it for dead. Default: 15s
 * @param connectTimeout how long to try to reach a broker, at most a minute. Default: 5s
 * @param sslBundle the name of an SSL bundle ({@code spring.ssl.bundle}) with the certificates to trust and to show;
 *     for mqtts only. Default: what the Java platform trusts
 */
public record MqttSettings(
        @Setting(
                value = "The brokers, mqtt://host:1883 or mqtts://host:8883; the first that answers is used",
                required = true)
        @Nullable
        List<String> urls,

        @Setting(value = "The protocol's version, 5 or 3.1.1", byDefault = "5") @Nullable
        String version,

        @Setting("The client's id, which must be another for every running instance; a new one for every connection"
                + " where it is not configured")
        @Nullable
        String clientId,

        @Setting(value = "The topic, a template such as events/{{subject}}", required = true) @Nullable
        String topic,

        @Setting(
                value = "The quality of service: 0 (written to the network), 1 or 2 (confirmed by the broker)",
                byDefault = "1")
        @Nullable
        Integer qos,

        @Setting(
                value = "Whether the broker keeps the last event of a topic for who subscribes later",
                byDefault = "false")
        @Nullable
        Boolean retain,

        @Setting("The user's name") @Nullable String username,

        @Setting(value = "The user's password", secret = true) @Nullable
        String password,

        @Setting(value = "How long a connection may be silent before it is taken for dead, 1s to 1h", byDefault = "15s")
        @Nullable
        Duration keepAlive,

        @Setting(value = "How long to try to reach a broker, at most 1m", byDefault = "5s") @Nullable
        Duration connectTimeout,

        @Setting("The SSL bundle with the certificates to trust and to show, for mqtts") @Nullable
        String sslBundle) {

    /** Refuses what can never work. */
    public MqttSettings {
        urls = urls == null ? List.of() : List.copyOf(urls);
        if (urls.isEmpty()) {
            throw new IllegalArgumentException(
                    "urls: is missing; it says where the broker is, such as mqtt://broker.example.org:1883");
        }
        List<URI> brokers = urls.stream().map(MqttSettings::parse).toList();
        version = version == null ? "5" : version;
        if (!version.equals("5") && !version.equals("3.1.1")) {
            throw new IllegalArgumentException("version: must be 5 or 3.1.1");
        }
        if (clientId != null && clientId.isBlank()) {
            throw new IllegalArgumentException("client-id: must not be blank; leave it out to have one made");
        }
        if (topic == null || topic.isBlank()) {
            throw new IllegalArgumentException(
                    "topic: is missing; it says what to publish on, such as events/{{subject}}");
        }
        Template.of("topic", topic);
        qos = qos == null ? 1 : qos;
        if (qos < 0 || qos > 2) {
            throw new IllegalArgumentException("qos: must be 0, 1 or 2");
        }
        retain = retain == null ? Boolean.FALSE : retain;
        if (password != null && username == null) {
            throw new IllegalArgumentException("password: is only for a username");
        }
        keepAlive =
                between("keep-alive", keepAlive, Duration.ofSeconds(15), Duration.ofSeconds(1), Duration.ofHours(1));
        connectTimeout = between(
                "connect-timeout", connectTimeout, Duration.ofSeconds(5), Duration.ofMillis(1), Duration.ofMinutes(1));
        if (sslBundle != null && brokers.stream().noneMatch(MqttSettings::isSecure)) {
            throw new IllegalArgumentException("ssl-bundle: is only for urls that begin with mqtts://");
        }
    }

    /** Without the password. */
    @Override
    public String toString() {
        return "mqtt " + urls;
    }

    List<URI> brokers() {
        return urls == null ? List.of() : urls.stream().map(MqttSettings::parse).toList();
    }

    static boolean isSecure(URI broker) {
        return "mqtts".equals(scheme(broker));
    }

    static int port(URI broker) {
        return broker.getPort() > 0 ? broker.getPort() : isSecure(broker) ? 8883 : 1883;
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
        if (!"mqtt".equals(scheme(parsed)) && !"mqtts".equals(scheme(parsed))) {
            throw new IllegalArgumentException("urls: must each begin with mqtt:// or mqtts://");
        }
        if (parsed.getRawUserInfo() != null) {
            throw new IllegalArgumentException("urls: must not have a user name or password; these are settings");
        }
        if (parsed.getHost() == null || parsed.getPort() == 0 || parsed.getPort() > 65535) {
            throw new IllegalArgumentException("urls: must each name a host and a port, such as mqtt://host:1883");
        }
        if (!parsed.getRawPath().isEmpty() || parsed.getRawQuery() != null || parsed.getRawFragment() != null) {
            throw new IllegalArgumentException("urls: must end after the port");
        }
        return parsed;
    }

    private static String scheme(URI url) {
        return url.getScheme() == null ? "" : url.getScheme().toLowerCase(Locale.ROOT);
    }
}
