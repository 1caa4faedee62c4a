package dev.saf.channel.kafka;

import dev.saf.channel.Setting;
import dev.saf.channel.Template;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which topic events are produced to, and how the cluster is reached.
 *
 * @param bootstrapServers the brokers to begin with, {@code host:port}. Required
 * @param topic a template: {@code orders} or <code>{{subject}}</code>. Required
 * @param key a template; events of one key go to one partition. Default: the attribute {@code partitionkey}, as
 *     CloudEvents' binding says; an event whose key is empty has none
 * @param securityProtocol Kafka's {@code security.protocol}: plaintext, ssl, sasl_plaintext, sasl_ssl. Default:
 *     plaintext; with an SSL bundle ssl; with a user name sasl_plaintext or sasl_ssl
 * @param sslBundle the name of an SSL bundle ({@code spring.ssl.bundle}) with the certificates to trust and to show
 * @param saslMechanism Kafka's {@code sasl.mechanism}: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512. Default: PLAIN
 * @param username who logs in by that mechanism. Default: nobody
 * @param password the password of that user
 * @param properties any further property of Kafka's producer, by its own name: {@code compression.type: zstd}. Those
 *     that delivery relies on ({@code acks}, {@code enable.idempotence}, ...) must stay as they are
 */
public record KafkaSettings(
        @Setting(value = "The brokers to begin with, host:port", required = true) @Nullable
        List<String> bootstrapServers,

        @Setting(value = "The topic, a template, such as orders or {{subject}}", required = true) @Nullable
        String topic,

        @Setting(
                value = "The record's key, a template; empty: none",
                byDefault = "{{#partitionkey}}{{partitionkey}}{{/partitionkey}}")
        @Nullable
        String key,

        @Setting("Kafka's security.protocol; default: what the SSL bundle and the user name ask for") @Nullable
        Protocol securityProtocol,

        @Setting("The SSL bundle with the certificates to trust and to show") @Nullable
        String sslBundle,

        @Setting(value = "Kafka's sasl.mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", byDefault = "PLAIN") @Nullable
        String saslMechanism,

        @Setting("Who logs in by that mechanism") @Nullable String username,

        @Setting(value = "The password of that user", secret = true) @Nullable
        String password,

        @Setting(
                value = "Any further property of Kafka's producer by its own name, such as compression.type",
                secret = true)
        @Nullable
        Map<String, String> properties) {

    private static final String BY_PARTITION_KEY = "{{#partitionkey}}{{partitionkey}}{{/partitionkey}}";
    private static final Set<String> MECHANISMS = Set.of("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512");

    /** Properties without which an event would be delivered that is not, or that have a setting of their own. */
    private static final Set<String> FIXED = Set.of(
            "acks",
            "enable.idempotence",
            "retries",
            "transactional.id",
            "key.serializer",
            "value.serializer",
            "bootstrap.servers",
            "client.id",
            "security.protocol",
            "sasl.mechanism",
            "sasl.jaas.config");

    /** Whether the connection is encrypted, and whether somebody logs in by SASL. */
    public enum Protocol {
        PLAINTEXT(false, false),
        SSL(true, false),
        SASL_PLAINTEXT(false, true),
        SASL_SSL(true, true);

        private final boolean ssl;
        private final boolean sasl;

        Protocol(boolean ssl, boolean sasl) {
            this.ssl = ssl;
            this.sasl = sasl;
        }

        private static Protocol of(boolean ssl, boolean sasl) {
            if (sasl) {
                return ssl ? SASL_SSL : SASL_PLAINTEXT;
            }
            return ssl ? SSL : PLAINTEXT;
        }
    }

    /** Refuses what no cluster can be reached by. */
    public KafkaSettings {
        if (bootstrapServers == null || bootstrapServers.isEmpty()) {
            throw new IllegalArgumentException(
                    "bootstrap-servers: is missing; it is one or more brokers, such as kafka.example.org:9092");
        }
        bootstrapServers = List.copyOf(bootstrapServers);
        for (String server : bootstrapServers) {
            if (!server.matches("\\S+:\\d{1,5}")) {
                throw new IllegalArgumentException("bootstrap-servers: must be brokers as host:port, such as"
                        + " kafka.example.org:9092; one is '" + server + "'");
            }
        }
        if (topic == null || topic.isBlank()) {
            throw new IllegalArgumentException("topic: is missing; it is a topic, such as orders or {{subject}}");
        }
        var _ = Template.of("topic", topic);
        if (!topic.contains("{{") && !topic.matches("[A-Za-z0-9._-]{1,249}")) {
            throw new IllegalArgumentException("topic: must be 1 to 249 of [A-Za-z0-9._-], is '" + topic + "'");
        }
        key = key == null ? BY_PARTITION_KEY : key;
        var _ = Template.of("key", key);
        if ((username == null) != (password == null)) {
            throw new IllegalArgumentException(
                    (username == null ? "username" : "password") + ": is missing; username and password go together");
        }
        Protocol protocol =
                securityProtocol == null ? Protocol.of(sslBundle != null, username != null) : securityProtocol;
        if (sslBundle != null && !protocol.ssl) {
            throw new IllegalArgumentException("ssl-bundle: is only for security-protocol: ssl and sasl_ssl");
        }
        if (username != null && !protocol.sasl) {
            throw new IllegalArgumentException("username: is only for security-protocol: sasl_plaintext and sasl_ssl");
        }
        saslMechanism = saslMechanism == null ? "PLAIN" : saslMechanism.strip().toUpperCase(Locale.ROOT);
        if (!MECHANISMS.contains(saslMechanism)) {
            throw new IllegalArgumentException("sasl-mechanism: must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, is '"
                    + saslMechanism + "'; others go by properties");
        }
        properties = properties == null ? Map.of() : Map.copyOf(properties);
        for (String name : properties.keySet()) {
            if (FIXED.contains(name) && !(name.startsWith("sasl.") && username == null)) {
                throw new IllegalArgumentException(
                        "properties: must not have " + name + ", which has a setting of its own or is relied upon");
            }
        }
    }

    Protocol protocol() {
        return securityProtocol == null ? Protocol.of(sslBundle != null, username != null) : securityProtocol;
    }

    /** Whether all events go to one topic. */
    boolean hasOneTopic() {
        return topic != null && !topic.contains("{{");
    }

    /** Without the password, and without properties, which may be secrets, too. */
    @Override
    public String toString() {
        return "KafkaSettings[bootstrapServers=" + bootstrapServers + ", topic=" + topic + ", key=" + key
                + ", securityProtocol=" + protocol() + ", username=" + username + "]";
    }
}
