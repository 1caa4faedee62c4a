package dev.saf.consumer.operations;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import dev.saf.consumer.delivery.Channels;
import dev.saf.consumer.delivery.RunningChannels;
import dev.saf.consumer.ledger.DeadLetters;
import dev.saf.consumer.ledger.ParkedEvents;
import dev.saf.consumer.ledger.Redrive;
import dev.saf.consumer.ledger.SharedState;
import dev.saf.jetstream.NatsConnection;
import dev.saf.settings.InvalidSettingException;
import dev.saf.settings.Settings;
import io.micrometer.core.instrument.MeterRegistry;
import io.swagger.v3.core.jackson.ModelResolver;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.info.Info;
import java.net.InetAddress;
import org.apache.catalina.core.StandardHost;
import org.jspecify.annotations.Nullable;
import org.springdoc.core.providers.ObjectMapperProvider;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;

/** What the API is made of. */
@Configuration(proxyBeanMethods = false)
@Import({
    Problems.class,
    Conventions.class,
    DeadLettersApi.class,
    RedrivesApi.class,
    RetriesApi.class,
    ReplayConfiguration.class
})
public class OperationsConfiguration {

    /** Where the description of all operations is; consumer.yml says the same to springdoc. */
    static final String DOCUMENT = "/api/openapi.json";

    /** Just what is configured. To be imported alone by what does not run the service. */
    @Configuration(proxyBeanMethods = false)
    public static class OnlySettings {

        @Bean
        ApiSettings apiSettings(Settings settings) {
            ApiSettings api = settings.bind("saf.api", ApiSettings.class);
            refuseOtherAddress(settings.text("server.address"), api.inetAddress());
            return api;
        }

        private static void refuseOtherAddress(@Nullable String configured, InetAddress api) {
            if (configured == null || configured.isBlank() || api.equals(ApiSettings.find(configured))) {
                return;
            }
            throw new InvalidSettingException(
                    "server.address",
                    "does not count for the consumer, whose API listens at saf.api.address (" + api.getHostAddress()
                            + ") only; leave it out, or set saf.api.address to the same");
        }
    }

    /** After Boot's own, which would let everybody in. */
    @Bean
    @Order(Ordered.LOWEST_PRECEDENCE)
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> onlyWhereTold(ApiSettings api) {
        return factory -> {
            factory.setAddress(api.inetAddress());
            factory.addContextCustomizers(context -> {
                if (context.getParent() instanceof StandardHost host) {
                    host.setErrorReportValveClass(ProblemReportValve.class.getName());
                }
            });
        };
    }

    @Bean
    ChannelController channelController(RunningChannels channels) {
        return new ChannelController(channels);
    }

    @Bean
    EventController eventController(NatsConnection nats, RunningChannels channels) {
        return new EventController(nats, channels);
    }

    @Bean
    UnconfiguredDurables unconfiguredDurables(NatsConnection nats, RunningChannels channels) {
        return new UnconfiguredDurables(nats, channels);
    }

    @Bean
    DurableController durableController(UnconfiguredDurables durables) {
        return new DurableController(durables);
    }

    @Bean
    KnownChannels knownChannels(Channels channels) {
        return new KnownChannels(channels.all());
    }

    @Bean
    ParkedEvents parkedEvents(NatsConnection nats) {
        return new ParkedEvents(nats);
    }

    @Bean
    Redrive redrive(NatsConnection nats) {
        return new Redrive(nats);
    }

    @Bean
    RedriveMetrics redriveMetrics(MeterRegistry registry) {
        return new RedriveMetrics(registry);
    }

    @Bean
    Redrives redrives(
            DeadLetters letters, Redrive redrive, KnownChannels channels, RedriveMetrics metrics, SharedState state) {
        return new Redrives(new RedriveWork.Tools(letters, redrive, channels, metrics), state);
    }

    @Bean
    OpenAPI openApi() {
        String version = getClass().getPackage().getImplementationVersion();
        return new OpenAPI()
                .info(new Info()
                        .title("Saf: operating the channels")
                        .version(version == null ? "development" : version)
                        .description("JSON in, JSON out, names in snake_case, times as in RFC 3339 and in UTC. Every"
                                + " error is application/problem+json (RFC 9457) with the type"
                                + " urn:saf:problem:<kind>. Lists come in parts: next is the cursor of the next part,"
                                + " null after the last."));
    }

    /** The document names things as the answers do. */
    @Bean
    ModelResolver modelResolver(ObjectMapperProvider mappers) {
        return new ModelResolver(
                mappers.jsonMapper().copy().setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE));
    }
}
