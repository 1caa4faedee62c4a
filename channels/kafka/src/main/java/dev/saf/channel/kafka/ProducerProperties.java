package dev.saf.channel.kafka;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import javax.net.ssl.SSLContext;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.common.config.SslConfigs;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/** Settings as Kafka's producer reads them. */
final class ProducerProperties {

    /**
     * So short that a failure is told before a channel's usual time-out; longer ones are for {@code properties}. What
     * is given up is not sent later by the producer either.
     */
    private static final Map<String, Object> DEFAULTS = Map.of(
            ProducerConfig.MAX_BLOCK_MS_CONFIG, 10_000,
            ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, 10_000,
            ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, 20_000,
            ProducerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, 1_000);

    private ProducerProperties() {}

    /**
     * All of them.
     *
     * @throws IllegalArgumentException if there is one that the producer does not accept
     */
    static Map<String, Object> of(String name, KafkaSettings settings, @Nullable SSLContext tls) {
        Map<String, Object> properties = new HashMap<>(DEFAULTS);
        Map<String, String> given = Objects.requireNonNull(settings.properties());
        for (String property : given.keySet()) {
            if (!ProducerConfig.configNames().contains(property)) {
                throw new IllegalArgumentException(
                        "properties: must be those of Kafka's producer, which has no " + property);
            }
        }
        properties.putAll(given);
        properties.put(ProducerConfig.CLIENT_ID_CONFIG, "saf-" + name);
        properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, Objects.requireNonNull(settings.bootstrapServers()));
        properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
        properties.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
        properties.put(ProducerConfig.ACKS_CONFIG, "all");
        properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        properties.put("security.protocol", settings.protocol().name());
        String username = settings.username();
        if (username != null) {
            String mechanism = Objects.requireNonNull(settings.saslMechanism());
            properties.put(SaslConfigs.SASL_MECHANISM, mechanism);
            properties.put(
                    SaslConfigs.SASL_JAAS_CONFIG, login(mechanism, username, String.valueOf(settings.password())));
        }
        if (tls != null) {
            properties.put(SslConfigs.SSL_ENGINE_FACTORY_CLASS_CONFIG, BundleEngineFactory.class);
            properties.put(BundleEngineFactory.CONTEXT, tls);
        }
        try {
            var _ = new ProducerConfig(properties);
        } catch (KafkaException e) {
            throw new IllegalArgumentException("properties: make no producer: " + e.getMessage(), e);
        }
        return Map.copyOf(properties);
    }

    private static String login(String mechanism, String username, String password) {
        String module = mechanism.equals("PLAIN")
                ? "org.apache.kafka.common.security.plain.PlainLoginModule"
                : "org.apache.kafka.common.security.scram.ScramLoginModule";
        return module + " required username=" + quoted(username) + " password=" + quoted(password) + ";";
    }

    private static String quoted(String text) {
        return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }
}
