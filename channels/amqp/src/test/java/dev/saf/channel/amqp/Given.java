package dev.saf.channel.amqp;

import dev.saf.peers.RabbitMq;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Settings of a test: the usual ones, but for what it says. */
record Given(
        List<String> urls,
        @Nullable String virtualHost,
        @Nullable String username,
        @Nullable String password,
        String exchange,
        String routingKey,
        boolean mandatory,
        @Nullable String sslBundle) {

    Given(String url, String exchange, String routingKey) {
        this(List.of(url), null, RabbitMq.USER, RabbitMq.PASSWORD, exchange, routingKey, true, null);
    }

    Given urls(String... others) {
        return new Given(List.of(others), virtualHost, username, password, exchange, routingKey, mandatory, sslBundle);
    }

    Given virtualHost(String other) {
        return new Given(urls, other, username, password, exchange, routingKey, mandatory, sslBundle);
    }

    Given as(@Nullable String user, @Nullable String secret) {
        return new Given(urls, virtualHost, user, secret, exchange, routingKey, mandatory, sslBundle);
    }

    Given exchange(String other) {
        return new Given(urls, virtualHost, username, password, other, routingKey, mandatory, sslBundle);
    }

    Given routingKey(String other) {
        return new Given(urls, virtualHost, username, password, exchange, other, mandatory, sslBundle);
    }

    Given optional() {
        return new Given(urls, virtualHost, username, password, exchange, routingKey, false, sslBundle);
    }

    Given trusting(String bundle) {
        return new Given(urls, virtualHost, username, password, exchange, routingKey, mandatory, bundle);
    }

    AmqpSettings settings() {
        return new AmqpSettings(
                urls,
                virtualHost,
                username,
                password,
                exchange,
                routingKey,
                mandatory,
                null,
                Duration.ofSeconds(3),
                sslBundle);
    }
}
