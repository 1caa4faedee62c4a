package dev.saf.jetstream;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.saf.natsserver.NatsServer;
import dev.saf.settings.InvalidSettingException;
import io.micrometer.core.instrument.MeterRegistry;
import io.nats.client.Connection;
import java.io.IOException;
import java.net.ServerSocket;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.health.actuate.endpoint.HealthEndpointGroups;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

@Timeout(60)
class JetStreamConfigurationIT {

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @Import(JetStreamConfiguration.class)
    static class Service {}

    @Configuration(proxyBeanMethods = false)
    @Import(Service.class)
    static class Producer {

        @Bean
        NeededStreams neededStreams() {
            return new NeededStreams(List.of(Streams.EVENTS));
        }
    }

    @Test
    void givesAServiceAllItNeeds() {
        try (NatsServer server = NatsServer.start();
                ConfigurableApplicationContext service = start(Service.class, "saf.nats.servers=" + server.url())) {
            await().untilAsserted(() -> assertThat(status(service)).isEqualTo(Status.UP));
            HealthEndpointGroups groups = service.getBean(HealthEndpointGroups.class);
            assertThat(group(groups, "readiness")).isTrue();
            assertThat(group(groups, "liveness")).isFalse();
            assertThat(service.getBean(MeterRegistry.class)
                            .get("saf.nats.connected")
                            .gauge()
                            .value())
                    .isEqualTo(1);
            Connection nats = service.getBean(NatsConnection.class).current();
            assertThat(nats).isNotNull();
            assertThat(nats.getOptions().getConnectionName()).isEqualTo("saf-test");
            assertThat(service.getBean(EventTracing.class).isOn()).isTrue();
            SpringApplication.exit(service);
            assertThat(nats.getStatus()).isEqualTo(Connection.Status.CLOSED);
        }
    }

    @Test
    void looksAfterNoMoreThanTheNeededStreams() throws Exception {
        try (NatsServer server = NatsServer.start();
                ConfigurableApplicationContext service = start(Producer.class, "saf.nats.servers=" + server.url())) {
            Streams streams = service.getBean(Streams.class);
            await().until(() -> streams.usable(Streams.EVENTS));
            NatsConnection connection = service.getBean(NatsConnection.class);
            Connection nats = connection.current();
            assertThat(nats).isNotNull();
            assertThat(nats.jetStreamManagement().getStreamNames()).containsExactly("events");
            assertThatThrownBy(() -> streams.usable(Streams.DEAD_LETTERS)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void startsWithoutNats() throws IOException {
        int port;
        try (ServerSocket socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        try (ConfigurableApplicationContext service =
                start(Service.class, "saf.nats.servers=nats://127.0.0.1:" + port)) {
            assertThat(status(service)).isEqualTo(Status.DOWN);
            try (NatsServer server = NatsServer.builder().port(port).start()) {
                assertThat(server.isRunning()).isTrue();
                await().untilAsserted(() -> assertThat(status(service)).isEqualTo(Status.UP));
            }
        }
    }

    @Test
    void refusesABundleThatDoesNotExist() {
        assertThatThrownBy(
                        () -> start(Service.class, "saf.nats.ssl-bundle=nats").close())
                .rootCause()
                .isInstanceOf(InvalidSettingException.class)
                .hasMessage("saf.nats.ssl-bundle: 'nats' is not configured below spring.ssl.bundle, there is []");
    }

    private static Status status(ConfigurableApplicationContext service) {
        return requireNonNull(service.getBean("nats", HealthIndicator.class).health())
                .getStatus();
    }

    private static boolean group(HealthEndpointGroups groups, String name) {
        var group = groups.get(name);
        assertThat(group).isNotNull();
        return group.isMember("nats");
    }

    private static ConfigurableApplicationContext start(Class<?> service, String... properties) {
        return new SpringApplicationBuilder(service)
                .web(WebApplicationType.NONE)
                .properties(Stream.concat(
                                Stream.of(
                                        "spring.application.name=saf-test",
                                        "spring.jmx.enabled=true",
                                        "management.endpoints.jmx.exposure.include=health",
                                        "spring.main.banner-mode=off"),
                                Stream.of(properties))
                        .toArray(String[]::new))
                .run();
    }
}
