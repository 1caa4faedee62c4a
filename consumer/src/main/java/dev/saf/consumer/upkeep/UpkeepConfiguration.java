package dev.saf.consumer.upkeep;

import dev.saf.consumer.delivery.RunningChannel;
import dev.saf.consumer.delivery.RunningChannels;
import dev.saf.consumer.ledger.DeadLetters;
import dev.saf.consumer.ledger.Parking;
import dev.saf.jetstream.NatsConnection;
import dev.saf.settings.Settings;
import io.micrometer.core.instrument.MeterRegistry;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What keeping house is made of. */
@Configuration(proxyBeanMethods = false)
public class UpkeepConfiguration {

    /** Just what is configured. To be imported alone by what does not run the service. */
    @Configuration(proxyBeanMethods = false)
    public static class OnlySettings {

        @Bean
        UpkeepSettings upkeepSettings(Settings settings) {
            return settings.bind("saf.upkeep", UpkeepSettings.class);
        }
    }

    /** Depends on the channels, so that it ends before they do. */
    @Bean
    Upkeep upkeep(
            NatsConnection nats,
            UpkeepSettings settings,
            RunningChannels channels,
            DeadLetters deadLetters,
            Parking parking,
            MeterRegistry registry) {
        return new Upkeep(
                nats,
                settings,
                channels.all().stream()
                        .filter(RunningChannel::hasDurable)
                        .map(RunningChannel::name)
                        .toList(),
                deadLetters,
                parking,
                registry);
    }
}
