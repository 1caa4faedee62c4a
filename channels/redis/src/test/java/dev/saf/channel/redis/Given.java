package dev.saf.channel.redis;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Settings of a test: the usual ones, but for what it says. */
record Given(
        String url,
        String key,
        @Nullable String username,
        @Nullable String password,
        @Nullable Long maxLength,
        @Nullable Duration maxAge,
        @Nullable Integer connections,
        @Nullable String sslBundle) {

    Given(String url, String key) {
        this(url, key, null, null, null, null, null, null);
    }

    Given url(String other) {
        return new Given(other, key, username, password, maxLength, maxAge, connections, sslBundle);
    }

    Given key(String other) {
        return new Given(url, other, username, password, maxLength, maxAge, connections, sslBundle);
    }

    Given as(@Nullable String user, @Nullable String secret) {
        return new Given(url, key, user, secret, maxLength, maxAge, connections, sslBundle);
    }

    Given maxLength(long other) {
        return new Given(url, key, username, password, other, maxAge, connections, sslBundle);
    }

    Given maxAge(Duration other) {
        return new Given(url, key, username, password, maxLength, other, connections, sslBundle);
    }

    Given connections(int other) {
        return new Given(url, key, username, password, maxLength, maxAge, other, sslBundle);
    }

    Given trusting(String bundle) {
        return new Given(url, key, username, password, maxLength, maxAge, connections, bundle);
    }

    RedisSettings settings() {
        return new RedisSettings(url, username, password, key, maxLength, maxAge, connections, null, sslBundle);
    }
}
