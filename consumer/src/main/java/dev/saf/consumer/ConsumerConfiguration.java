package dev.saf.consumer;

import dev.saf.consumer.delivery.Channels;
import dev.saf.consumer.delivery.ChannelsHealth;
import dev.saf.consumer.delivery.RunningChannels;
import dev.saf.consumer.delivery.Surroundings;
import dev.saf.consumer.delivery.Trials;
import dev.saf.consumer.ledger.DeadLetters;
import dev.saf.consumer.ledger.Parking;
import dev.saf.consumer.ledger.SharedState;
import dev.saf.consumer.ledger.StoredMessages;
import dev.saf.consumer.operations.OperationsConfiguration;
import dev.saf.consumer.upkeep.UpkeepConfiguration;
import dev.saf.jetstream.EventTracing;
import dev.saf.jetstream.JetStreamConfiguration;
import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.Streams;
import dev.saf.jetstream.StreamsSettings;
import dev.saf.settings.Settings;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Comparator;
import javax.net.ssl.SSLContext;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.ssl.NoSuchSslBundleException;
import org.springframework.boot.ssl.SslBundles;
import org.springframework.boot.webmvc.autoconfigure.error.ErrorMvcAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.support.DefaultLifecycleProcessor;

/** What the consumer is made of. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration(exclude = ErrorMvcAutoConfiguration.class)
@Import({JetStreamConfiguration.class, OperationsConfiguration.class, UpkeepConfiguration.class})
class ConsumerConfiguration {

    /** What a shutdown takes beyond the slowest delivery: to give back, to confirm, to close. */
    private static final Duration SHUTDOWN = Duration.ofSeconds(15);

    /** Just what is configured. To be imported alone by what does not run the service. */
    @Configuration(proxyBeanMethods = false)
    static class OnlySettings {

        /** Closed by the subscriptions, one by one, after the last delivery. */
        @Bean(destroyMethod = "")
        Channels channels(Settings settings, SslBundles bundles) {
            return new Channels(settings, bundle -> sslContext(bundles, bundle));
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

    @Bean
    DeadLetters deadLetters(NatsConnection nats) {
        return new DeadLetters(nats);
    }

    @Bean
    Parking parking(NatsConnection nats, StreamsSettings streams) {
        return new Parking(nats, streams.later().maxParked());
    }

    /** Depends on the streams so that they are looked after for as long as anything is delivered. */
    @Bean
    RunningChannels runningChannels(
            Channels channels,
            NatsConnection nats,
            Surroundings surroundings,
            MeterRegistry registry,
            DefaultLifecycleProcessor lifecycle) {
        RunningChannels running = new RunningChannels(channels.all(), nats, surroundings, registry);
        Duration slowest = channels.all().stream()
                .map(channel -> channel.settings().timeout())
                .max(Comparator.naturalOrder())
                .orElse(Duration.ZERO);
        lifecycle.setTimeoutForShutdownPhase(
                running.getPhase(), slowest.plus(SHUTDOWN).toMillis());
        return running;
    }

    @Bean
    SharedState sharedState(NatsConnection nats) {
        return new SharedState(nats);
    }

    @Bean
    Surroundings surroundings(
            DeadLetters deadLetters,
            Parking parking,
            SharedState shared,
            NatsConnection nats,
            EventTracing tracing,
            Streams streams) {
        return new Surroundings(
                deadLetters,
                parking,
                new StoredMessages(nats),
                shared,
                new Trials(shared),
                tracing,
                () -> streams.maxAge(Streams.EVENTS));
    }

    @Bean
    ChannelsHealth channelsHealthIndicator(RunningChannels channels) {
        return new ChannelsHealth(channels);
    }
}
