package dev.saf.consumer;

import dev.saf.channel.ChannelType;
import dev.saf.consumer.delivery.Channels;
import dev.saf.consumer.delivery.ChannelsCheck;
import dev.saf.consumer.delivery.DurablesCheck;
import dev.saf.consumer.operations.OperationsConfiguration;
import dev.saf.consumer.upkeep.UpkeepConfiguration;
import dev.saf.jetstream.CheckConfiguration;
import dev.saf.jetstream.NatsCheck;
import dev.saf.jetstream.NeededPermissions;
import dev.saf.jetstream.check.CheckSettings;
import dev.saf.jetstream.check.SecretSettings;
import java.util.List;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementServerProperties;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.tomcat.autoconfigure.TomcatServerProperties;
import org.springframework.boot.web.server.autoconfigure.ServerProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.annotation.Order;

/** What the consumer is checked for. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties({ServerProperties.class, TomcatServerProperties.class, ManagementServerProperties.class})
@Import({
    CheckConfiguration.class,
    ConsumerConfiguration.OnlySettings.class,
    OperationsConfiguration.OnlySettings.class,
    UpkeepConfiguration.OnlySettings.class
})
class ConsumerCheck {

    @Bean
    NeededPermissions neededPermissions(Channels channels) {
        return Permissions.of(channels);
    }

    /** What types of channels mark as secret, in channels of any name. */
    @Bean
    SecretSettings secretSettings() {
        List<String> secret = ChannelType.all().stream()
                .flatMap(type -> type.settings().stream())
                .filter(ChannelType.Described::secret)
                .map(ChannelType.Described::name)
                .toList();
        return property -> {
            String[] parts = property.split("\\.", 4);
            return parts.length == 4
                    && property.startsWith("saf.channels.")
                    && secret.stream().anyMatch(each -> (parts[3] + ".").startsWith(each + "."));
        };
    }

    @Bean
    @Order(2)
    DurablesCheck durablesCheck(NatsCheck nats, Channels channels) {
        return new DurablesCheck(nats, channels);
    }

    @Bean
    @Order(3)
    ChannelsCheck channelsCheck(Channels channels, CheckSettings settings) {
        return new ChannelsCheck(channels, settings.channels());
    }
}
