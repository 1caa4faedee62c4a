package dev.saf.jetstream;

import dev.saf.settings.InvalidSettingException;
import dev.saf.settings.Settings;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.tracing.Tracer;
import io.micrometer.tracing.propagation.Propagator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.ssl.NoSuchSslBundleException;
import org.springframework.boot.ssl.SslBundles;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.PropertySource;
import org.springframework.core.env.ConfigurableEnvironment;

/**
 * Everything a service needs to talk to JetStream. To be imported; a service that needs not all streams has a bean of
 * type {@link NeededStreams} besides.
 */
@Configuration(proxyBeanMethods = false)
public class JetStreamConfiguration {

    /** Just what is configured. To be imported alone by what does not run the service. */
    @Configuration(proxyBeanMethods = false)
    @PropertySource("classpath:/dev/saf/jetstream/defaults.properties")
    public static class OnlySettings {

        @Bean
        @ConditionalOnMissingBean
        Settings settings(ConfigurableEnvironment environment) {
            return new Settings(environment);
        }

        @Bean
        NatsSettings natsSettings(
                Settings settings, ConfigurableEnvironment environment, ObjectProvider<SslBundles> bundles) {
            NatsSettings nats = settings.bind("saf.nats", NatsSettings.class);
            checkBundle(nats.sslBundle(), bundles.getIfAvailable());
            return nats.connectionName() == null
                    ? nats.withConnectionName(environment.getProperty("spring.application.name", "saf"))
                    : nats;
        }

        @Bean
        StreamsSettings streamsSettings(Settings settings) {
            return settings.bind("saf.streams", StreamsSettings.class);
        }

        /**
         * Not the client's text: it would not say which property.
         *
         * @throws InvalidSettingException if the bundle is not configured
         */
        private static void checkBundle(@Nullable String bundle, @Nullable SslBundles bundles) {
            if (bundle == null) {
                return;
            }
            try {
                if (bundles != null) {
                    bundles.getBundle(bundle);
                    return;
                }
            } catch (NoSuchSslBundleException e) {
                // Said below.
            }
            throw new InvalidSettingException(
                    "saf.nats.ssl-bundle",
                    "'%s' is not configured below spring.ssl.bundle, there is %s"
                            .formatted(bundle, bundles == null ? List.of() : bundles.getBundleNames()));
        }
    }

    /** Closed last, as everything that needs the connection depends on it. */
    @Bean(initMethod = "start", destroyMethod = "close")
    NatsConnection natsConnection(NatsSettings settings, ObjectProvider<SslBundles> bundles) {
        return new NatsConnection(settings, bundles.getIfAvailable());
    }

    @Bean
    PublishHealth publishHealth(NatsConnection connection) {
        PublishHealth health = new PublishHealth(System::nanoTime);
        connection.onChange(() -> {
            if (connection.current() != null) {
                health.reconnected();
            }
        });
        return health;
    }

    @Bean(initMethod = "start", destroyMethod = "close")
    Streams streams(
            NatsConnection connection,
            StreamsSettings settings,
            PublishHealth publishHealth,
            ObjectProvider<NeededStreams> needed) {
        return new Streams(
                connection,
                settings,
                publishHealth,
                needed.getIfAvailable(() -> new NeededStreams(Streams.ALL)).names());
    }

    @Bean
    EventTracing eventTracing(ObjectProvider<Tracer> tracer, ObjectProvider<Propagator> propagator) {
        return new EventTracing(tracer.getIfAvailable(), propagator.getIfAvailable());
    }

    /** Part of readiness, never of liveness: a restart of this service does not bring NATS back. */
    @Bean
    HealthIndicator nats(NatsConnection connection, Streams streams, PublishHealth publishHealth) {
        return new NatsHealth(connection, streams, publishHealth);
    }

    @Bean
    MeterBinder jetStreamMetrics(NatsConnection connection, Streams streams) {
        return new JetStreamMetrics(connection, streams);
    }
}
