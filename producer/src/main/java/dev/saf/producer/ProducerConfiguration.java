package dev.saf.producer;

import dev.saf.jetstream.EventTracing;
import dev.saf.jetstream.JetStreamConfiguration;
import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.NeededStreams;
import dev.saf.jetstream.PublishHealth;
import dev.saf.jetstream.Streams;
import dev.saf.jetstream.StreamsSettings;
import dev.saf.settings.InvalidSettingException;
import dev.saf.settings.Settings;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.core.StandardHost;
import org.apache.tomcat.util.descriptor.web.FilterMap;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.tomcat.TomcatWebServer;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.server.servlet.context.ServletWebServerApplicationContext;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.boot.webmvc.autoconfigure.DispatcherServletAutoConfiguration;
import org.springframework.boot.webmvc.autoconfigure.error.ErrorMvcAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** What the producer is made of. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration(exclude = ErrorMvcAutoConfiguration.class)
@Import(JetStreamConfiguration.class)
class ProducerConfiguration {

    /** Just what is configured. To be imported alone by what does not run the service. */
    @Configuration(proxyBeanMethods = false)
    static class OnlySettings {

        /** An event that is retried for longer than its id is remembered could be stored twice. */
        @Bean
        ProducerSettings producerSettings(Settings settings, StreamsSettings streams) {
            ProducerSettings producer = settings.bind("saf.producer", ProducerSettings.class);
            Duration window = streams.events().duplicateWindow();
            if (producer.publishBudget().plus(producer.attemptTimeout()).compareTo(window) > 0) {
                throw new InvalidSettingException(
                        "saf.producer.publish-budget",
                        "with the attempt-timeout must not be longer than saf.streams.events.duplicate-window, %ds"
                                .formatted(window.toSeconds()));
            }
            return producer;
        }

        @Bean
        NeededStreams neededStreams() {
            return new NeededStreams(List.of(Streams.EVENTS));
        }
    }

    @Bean
    ProducerMetrics producerMetrics(MeterRegistry registry) {
        return new ProducerMetrics(registry);
    }

    @Bean
    JetStreamEventPublisher eventPublisher(
            NatsConnection nats,
            Streams streams,
            PublishHealth health,
            ProducerSettings settings,
            MeterRegistry registry) {
        return new JetStreamEventPublisher(nats, streams, health, settings, registry);
    }

    @Bean
    Draining draining(ServletWebServerApplicationContext context) {
        return new Draining(
                context,
                () -> context.getWebServer() instanceof TomcatWebServer tomcat
                        ? (HttpProtocol) tomcat.getTomcat().getConnector().getProtocolHandler()
                        : null);
    }

    @Bean
    ServletRegistrationBean<EventServlet> eventServlet(
            EventPublisher publisher,
            EventTracing tracing,
            ProducerMetrics metrics,
            Draining draining,
            ProducerSettings settings) {
        var registration = new ServletRegistrationBean<>(
                new EventServlet(publisher, tracing, metrics, InstantSource.system(), draining, settings),
                EventServlet.PATH);
        registration.setAsyncSupported(true);
        registration.setLoadOnStartup(1);
        return registration;
    }

    @Bean
    ServletRegistrationBean<HealthzServlet> healthzServlet() {
        return new ServletRegistrationBean<>(new HealthzServlet(), "/healthz");
    }

    /**
     * The filters that Boot registers for every request, observation among them, are for controllers: no filter stands
     * before the servlet of the hot path, which does by hand what it needs.
     */
    @Bean
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> filtersForControllersOnly() {
        return factory -> factory.addContextCustomizers(context -> context.addLifecycleListener(event -> {
            if (event.getType().equals(Lifecycle.AFTER_START_EVENT)) {
                for (FilterMap map : context.findFilterMaps()) {
                    context.removeFilterMap(map);
                    FilterMap narrowed = new FilterMap();
                    narrowed.setFilterName(map.getFilterName());
                    narrowed.addServletName(DispatcherServletAutoConfiguration.DEFAULT_DISPATCHER_SERVLET_BEAN_NAME);
                    context.addFilterMap(narrowed);
                }
            }
        }));
    }

    @Bean
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> httpProtocol(ProducerSettings settings) {
        return factory -> {
            factory.setProtocol(HttpProtocol.class.getName());
            factory.addConnectorCustomizers(connector ->
                    ((HttpProtocol) connector.getProtocolHandler()).setHeaderTimeout(settings.readTimeout()));
        };
    }

    @Bean
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> problemsInsteadOfPages() {
        return factory -> factory.addContextCustomizers(context -> {
            if (context.getParent() instanceof StandardHost host) {
                host.setErrorReportValveClass(ProblemReportValve.class.getName());
            }
        });
    }
}
