package dev.saf.consumer;

import dev.saf.jetstream.EventTracing;
import dev.saf.jetstream.JetStreamConfiguration;
import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.Streams;
import dev.saf.settings.Settings;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Comparator;
import javax.net.ssl.SSLContext;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.ssl.NoSuchSslBundleException;
import org.springframework.boot.ssl.SslBundles;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.support.DefaultLifecycleProcessor;

/** What the consumer is made of. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(JetStreamConfiguration.class)
class ConsumerConfiguration {

    /** What a shutdown takes beyond the slowest delivery: to give back, to confirm, to close. */
    private static final Duration SHUTDOWN = Duration.ofSeconds(15);

    /** Closed by the subscriptions, one by one, after the last delivery. */
    @Bean(destroyMethod = "")
    Channels channels(Settings settings, SslBundles bundles) {
        return new Channels(settings, bundle -> sslContext(bundles, bundle));
    }

    @Bean
    DeadLetters deadLetters(NatsConnection nats) {
        return new DeadLetters(nats);
    }

    /** Depends on the streams so that they are looked after for as long as anything is delivered. */
    @Bean
    Subscriptions subscriptions(
            Channels channels,
            NatsConnection nats,
            Streams streams,
            DeadLetters deadLetters,
            EventTracing tracing,
            MeterRegistry registry,
            DefaultLifecycleProcessor lifecycle) {
        Subscriptions subscriptions = new Subscriptions(channels.all().stream()
                .map(channel -> {
                    ChannelMetrics metrics = new ChannelMetrics(registry, channel.name());
                    return new Subscription(
                            channel, nats, new Deliveries(channel, deadLetters, tracing, metrics), metrics);
                })
                .toList());
        Duration slowest = channels.all().stream()
                .map(channel -> channel.settings().timeout())
                .max(Comparator.naturalOrder())
                .orElse(Duration.ZERO);
        lifecycle.setTimeoutForShutdownPhase(
                subscriptions.getPhase(), slowest.plus(SHUTDOWN).toMillis());
        return subscriptions;
    }

    @Bean
    ChannelsHealth channelsHealthIndicator(Subscriptions subscriptions) {
        return new ChannelsHealth(subscriptions);
    }

    private static SSLContext sslContext(SslBundles bundles, String name) {
        try {
            return bundles.getBundle(name).createSslContext();
        } catch (NoSuchSslBundleException e) {
            throw new IllegalArgumentException(
                    "ssl-bundle: '" + name + "' is not configured below spring.ssl.bundle, there is "
                            + bundles.getBundleNames(),
                    e);
        }
    }
}
