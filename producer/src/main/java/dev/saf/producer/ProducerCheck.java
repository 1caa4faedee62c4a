package dev.saf.producer;

import dev.saf.event.WireFormat;
import dev.saf.jetstream.CheckConfiguration;
import dev.saf.jetstream.NeededPermissions;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementServerProperties;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.tomcat.autoconfigure.TomcatServerProperties;
import org.springframework.boot.web.server.autoconfigure.ServerProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** What the producer is checked for, as {@code deployments/nats/permissions} prints it. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties({ServerProperties.class, TomcatServerProperties.class, ManagementServerProperties.class})
@Import({CheckConfiguration.class, ProducerConfiguration.OnlySettings.class})
class ProducerCheck {

    @Bean
    NeededPermissions neededPermissions() {
        return NeededPermissions.toPublish(WireFormat.SUBJECT_PREFIX + ">", "$JS.API.STREAM.MSG.GET.events");
    }
}
