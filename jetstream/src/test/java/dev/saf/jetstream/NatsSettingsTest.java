package dev.saf.jetstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.saf.settings.InvalidSettingException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class NatsSettingsTest {

    @Test
    void hasSafeDefaults() {
        NatsSettings settings = Settled.nats();
        assertThat(settings.servers()).containsExactly("nats://127.0.0.1:4222");
        assertThat(settings.pingInterval()).isEqualTo(Duration.ofSeconds(5));
        assertThat(settings.maxPingsOut()).isEqualTo(2);
        assertThat(settings.usesTls()).isFalse();
    }

    @Test
    void takesAnEmptyValueForNone() {
        assertThat(Settled.nats("token", "", "ssl-bundle", "").token()).isNull();
    }

    @Test
    void keepsSecretsToItself() {
        assertThat(Settled.nats("user", "saf", "password", "hush").toString()).doesNotContain("hush");
        assertThat(Settled.nats("token", "hush").toString()).doesNotContain("hush");
        assertThatThrownBy(() -> Settled.nats("servers", "nats://saf:hush@127.0.0.1"))
                .isInstanceOf(InvalidSettingException.class)
                .message()
                .startsWith("saf.nats.servers: must not contain a user")
                .doesNotContain("hush");
        assertThatThrownBy(() -> Settled.nats("servers", "nats://saf:hu sh@127.0.0.1"))
                .message()
                .startsWith("saf.nats.servers: must be URLs")
                .doesNotContain("hu sh");
        String seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
        assertThatThrownBy(() -> Settled.nats("nkey", seed))
                .hasMessage("saf.nats.nkey: must be the name of a file, not what is in it");
        assertThatThrownBy(() -> Settled.nats("credentials", "-----BEGIN NATS USER JWT-----\nhush"))
                .hasMessage("saf.nats.credentials: must be the name of a file, not what is in it");
    }

    @Test
    void refusesWhatCannotWork() {
        assertRefused("servers: must name at least one", "servers", "");
        assertRefused("servers: must be URLs of", "servers", "http://127.0.0.1:4222");
        assertRefused("servers: must be URLs of", "servers", "127.0.0.1:4222");
        assertRefused("servers: must be all ws://", "servers", "ws://a,nats://b");
        assertRefused("password: must be set", "user", "saf");
        assertRefused("user: must be set", "password", "secret");
        assertRefused("user: there must be one way", "user", "saf", "password", "secret", "token", "t");
        assertRefused("nkey: '/no/such' is not a file", "nkey", "/no/such");
        assertRefused("credentials: '/no/such' is not a file", "credentials", "/no/such");
        assertRefused("ssl-bundle: has no effect", "servers", "ws://a", "ssl-bundle", "x");
        assertRefused("inbox-prefix: must be", "inbox-prefix", "a.>");
        assertRefused("connect-timeout: must be more than zero", "connect-timeout", "0s");
        assertRefused("ping-interval: 'soon' is not a duration", "ping-interval", "soon");
        assertRefused("max-pings-out: must be at least 1", "max-pings-out", "0");
        assertRefused("reconnect-buffer: is unknown", "reconnect-buffer", "8MB");
    }

    private static void assertRefused(String message, String... settings) {
        assertThatThrownBy(() -> Settled.nats(settings))
                .isInstanceOf(InvalidSettingException.class)
                .hasMessageStartingWith("saf.nats." + message);
    }
}
