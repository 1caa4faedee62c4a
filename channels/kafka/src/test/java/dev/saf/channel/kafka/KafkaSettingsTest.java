package dev.saf.channel.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.channel.kafka.KafkaSettings.Protocol;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class KafkaSettingsTest {

    private static KafkaSettings settings(
            @Nullable Protocol protocol,
            @Nullable String bundle,
            @Nullable String user,
            Map<String, String> properties) {
        return new KafkaSettings(
                List.of("kafka:9092"),
                "orders",
                null,
                protocol,
                bundle,
                null,
                user,
                user == null ? null : "t0psecret",
                properties);
    }

    @Test
    void knowsTheProtocolByWhatIsThere() {
        assertThat(settings(null, null, null, Map.of()).protocol()).isEqualTo(Protocol.PLAINTEXT);
        assertThat(settings(null, "kafka", null, Map.of()).protocol()).isEqualTo(Protocol.SSL);
        assertThat(settings(null, null, "shop", Map.of()).protocol()).isEqualTo(Protocol.SASL_PLAINTEXT);
        assertThat(settings(null, "kafka", "shop", Map.of()).protocol()).isEqualTo(Protocol.SASL_SSL);
        assertThat(settings(Protocol.SASL_SSL, null, "shop", Map.of()).protocol())
                .isEqualTo(Protocol.SASL_SSL);
        assertThat(settings(Protocol.SSL, null, null, Map.of()).protocol()).isEqualTo(Protocol.SSL);
    }

    @Test
    void showsNoSecret() {
        assertThat(settings(null, null, "shop", Map.of("ssl.key.password", "t0psecret"))
                        .toString())
                .doesNotContain("t0psecret");
    }

    @Test
    void neverCountsOnLessThanAllReplicas() {
        assertThat(ProducerProperties.of(
                        "orders", settings(null, null, null, Map.of("compression.type", "gzip")), null))
                .containsEntry("acks", "all")
                .containsEntry("enable.idempotence", true)
                .containsEntry("client.id", "saf-orders")
                .containsEntry("compression.type", "gzip")
                .containsEntry(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, 20_000);
    }

    @Test
    void takesPropertiesForDefaults() {
        assertThat(ProducerProperties.of(
                        "orders", settings(null, null, null, Map.of("delivery.timeout.ms", "30000")), null))
                .containsEntry("delivery.timeout.ms", "30000");
    }
}
