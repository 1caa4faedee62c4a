package dev.saf.channel.amqp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class AmqpSettingsTest {

    @Test
    void asksForNoMoreThanABroker() {
        AmqpSettings settings = settings("amqp://broker");
        assertThat(settings.virtualHost()).isEqualTo("/");
        assertThat(settings.exchange()).isEmpty();
        assertThat(settings.routingKey()).isEqualTo("{{subject}}");
        assertThat(settings.mandatory()).isTrue();
        assertThat(settings.heartbeat()).isEqualTo(Duration.ofSeconds(10));
        assertThat(settings.connectTimeout()).isEqualTo(Duration.ofSeconds(5));
        assertThat(AmqpSettings.port(settings.nodes().getFirst())).isEqualTo(5672);
        assertThat(AmqpSettings.port(settings("amqps://broker").nodes().getFirst()))
                .isEqualTo(5671);
    }

    @Test
    void neverShowsASecret() {
        AmqpSettings settings =
                new AmqpSettings(List.of("amqp://broker"), null, "saf", "secret", null, null, null, null, null, null);
        assertThat(settings.toString()).doesNotContain("secret");
        assertThatThrownBy(() -> settings("amqp://user:secret@broker"))
                .hasMessageStartingWith("urls: must not have a user name or password")
                .hasMessageNotContaining("secret");
    }

    private static AmqpSettings settings(String url) {
        return new AmqpSettings(List.of(url), null, null, null, null, null, null, null, null, null);
    }
}
