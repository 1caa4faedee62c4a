package dev.saf.channel.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class RedisSettingsTest {

    @Test
    void asksForNoMoreThanAServerAndAKey() {
        RedisSettings settings = new Given("redis://server", "events").settings();
        assertThat(settings.connections()).isEqualTo(8);
        assertThat(settings.connectTimeout()).isEqualTo(Duration.ofSeconds(5));
        assertThat(settings.maxLength()).isNull();
        assertThat(settings.maxAge()).isNull();
        assertThat(RedisSettings.port(settings.server())).isEqualTo(6379);
        assertThat(RedisSettings.database(settings.server())).isZero();
        assertThat(RedisSettings.database(
                        new Given("redis://server/3", "events").settings().server()))
                .isEqualTo(3);
    }

    @Test
    void neverShowsASecret() {
        assertThat(new Given("redis://server", "events")
                        .as("saf", "secret")
                        .settings()
                        .toString())
                .doesNotContain("secret");
        assertThatThrownBy(() -> new Given("redis://:secret@server", "events").settings())
                .hasMessageStartingWith("url: must not have a user name or password")
                .hasMessageNotContaining("secret");
    }
}
