package dev.saf.channel.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class MqttSettingsTest {

    @Test
    void asksForNoMoreThanABrokerAndATopic() {
        MqttSettings settings = settings("mqtt://broker", null);
        assertThat(settings.version()).isEqualTo("5");
        assertThat(settings.qos()).isEqualTo(1);
        assertThat(settings.retain()).isFalse();
        assertThat(settings.keepAlive()).isEqualTo(Duration.ofSeconds(15));
        assertThat(settings.connectTimeout()).isEqualTo(Duration.ofSeconds(5));
        assertThat(MqttSettings.port(settings.brokers().getFirst())).isEqualTo(1883);
        assertThat(MqttSettings.port(settings("MQTTS://broker", null).brokers().getFirst()))
                .isEqualTo(8883);
    }

    @Test
    void neverShowsASecret() {
        assertThat(settings("mqtt://broker", "secret").toString()).doesNotContain("secret");
        assertThatThrownBy(() -> settings("mqtt://user:secret@broker", null))
                .hasMessageStartingWith("urls: must not have a user name or password")
                .hasMessageNotContaining("secret");
    }

    private static MqttSettings settings(String url, @Nullable String password) {
        return new MqttSettings(
                List.of(url),
                null,
                null,
                "events",
                null,
                null,
                password == null ? null : "saf",
                password,
                null,
                null,
                null);
    }
}
