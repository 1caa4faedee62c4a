package dev.saf.channel.mqtt;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Settings of a test: the usual ones, but for what it says. */
record Given(
        List<String> urls,
        String version,
        String topic,
        int qos,
        boolean retain,
        @Nullable String username,
        @Nullable String password,
        @Nullable String sslBundle) {

    Given(String url) {
        this(List.of(url), "5", "events/{{subject}}", 1, false, null, null, null);
    }

    Given urls(String... others) {
        return new Given(List.of(others), version, topic, qos, retain, username, password, sslBundle);
    }

    Given version(String other) {
        return new Given(urls, other, topic, qos, retain, username, password, sslBundle);
    }

    Given topic(String other) {
        return new Given(urls, version, other, qos, retain, username, password, sslBundle);
    }

    Given qos(int other) {
        return new Given(urls, version, topic, other, retain, username, password, sslBundle);
    }

    Given retained() {
        return new Given(urls, version, topic, qos, true, username, password, sslBundle);
    }

    Given as(@Nullable String user, @Nullable String secret) {
        return new Given(urls, version, topic, qos, retain, user, secret, sslBundle);
    }

    Given trusting(String bundle) {
        return new Given(urls, version, topic, qos, retain, username, password, bundle);
    }

    MqttSettings settings() {
        return new MqttSettings(
                urls, version, null, topic, qos, retain, username, password, null, Duration.ofSeconds(3), sslBundle);
    }
}
