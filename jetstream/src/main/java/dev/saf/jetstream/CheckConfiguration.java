package dev.saf.jetstream;

import dev.saf.jetstream.check.CheckSettings;
import dev.saf.settings.Settings;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.autoconfigure.ssl.SslAutoConfiguration;
import org.springframework.boot.ssl.SslBundles;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.annotation.Order;

/**
 * What every service is checked for. To be imported; needs a bean of type {@link NeededPermissions} besides, and as
 * {@link JetStreamConfiguration} may have one of type {@link NeededStreams}.
 */
@Configuration(proxyBeanMethods = false)
@ImportAutoConfiguration(SslAutoConfiguration.class)
@Import(JetStreamConfiguration.OnlySettings.class)
public class CheckConfiguration {

    @Bean
    CheckSettings checkSettings(Settings settings) {
        return settings.bind("saf.check", CheckSettings.class);
    }

    /** Started by the check. */
    @Bean(destroyMethod = "close")
    NatsConnection natsConnection(NatsSettings settings, ObjectProvider<SslBundles> bundles) {
        return new NatsConnection(settings, bundles.getIfAvailable());
    }

    @Bean
    @Order(1)
    NatsCheck natsCheck(
            NatsConnection connection,
            StreamsSettings settings,
            ObjectProvider<NeededStreams> streams,
            NeededPermissions permissions) {
        return new NatsCheck(
                connection, settings, streams.getIfAvailable(() -> new NeededStreams(Streams.ALL)), permissions);
    }
}
