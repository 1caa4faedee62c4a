package dev.saf.settings;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.env.ConfigTreePropertySource;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import org.springframework.util.unit.DataSize;

class EffectiveSettingsTest {

    private static final String SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";

    enum Start {
        FROM_TIME
    }

    record Retry(
            @DefaultValue("5") int attempts,
            @DefaultValue("90s") Duration initial) {}

    record Example(
            @Nullable String url,
            @Nullable String password,
            @Nullable String token,
            @Nullable String account,
            @DefaultValue({"a", "b"}) List<String> subjects,
            @DefaultValue("from-time") Start start,
            @DefaultValue("256KB") DataSize maxBody,
            @DefaultValue Map<String, String> headers,
            @DefaultValue Retry retry) {}

    @Test
    void tellsEveryValueThatCountsAndWhereItCameFrom() {
        Map<String, EffectiveSetting> effective = effective(
                Map.of("saf.channels.hook.retry.attempts", "7", "saf.channels.hook.subjects", "c,d"),
                Map.of("SAF_CHANNELS_HOOK_MAX_BODY", "1MB"));
        assertThat(effective.keySet())
                .containsExactly(
                        "saf.channels.hook.url",
                        "saf.channels.hook.password",
                        "saf.channels.hook.token",
                        "saf.channels.hook.account",
                        "saf.channels.hook.subjects",
                        "saf.channels.hook.start",
                        "saf.channels.hook.max-body",
                        "saf.channels.hook.headers",
                        "saf.channels.hook.retry.attempts",
                        "saf.channels.hook.retry.initial");
        assertThat(effective.values())
                .contains(
                        new EffectiveSetting("saf.channels.hook.url", "not set", "default"),
                        new EffectiveSetting("saf.channels.hook.password", "not set", "default"),
                        new EffectiveSetting("saf.channels.hook.start", "from-time", "default"),
                        new EffectiveSetting("saf.channels.hook.retry.initial", "90s", "default"))
                .anySatisfy(each -> {
                    assertThat(each.name()).isEqualTo("saf.channels.hook.subjects");
                    assertThat(each.value()).isEqualTo("c,d");
                    assertThat(each.origin()).contains("test");
                })
                .anySatisfy(each -> {
                    assertThat(each.name()).isEqualTo("saf.channels.hook.max-body");
                    assertThat(each.value()).isEqualTo("1MB");
                    assertThat(each.origin()).contains("SAF_CHANNELS_HOOK_MAX_BODY");
                })
                .anySatisfy(each -> {
                    assertThat(each.name()).isEqualTo("saf.channels.hook.retry.attempts");
                    assertThat(each.value()).isEqualTo("7");
                });
    }

    @Test
    void tellsWhatIsSetOfSpringBoot() {
        assertThat(effective(Map.of("server.port", "1378", "other.thing", "x"), Map.of("HOME", "/root")))
                .containsKey("server.port")
                .doesNotContainKeys("other.thing", "home");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "saf.channels.hook.password        | hunter2",
                "saf.channels.hook.token           | hunter2",
                "saf.channels.hook.account         | hunter2",
                "saf.channels.hook.account         | https://example.org/hunter2",
                "saf.channels.hook.headers.x-shop  | hunter2",
                "saf.channels.hook.url             | nats://saf:hunter2@nats:4222",
                "saf.channels.hook.url             | nats://saf:a/hunter2?b@nats:4222",
                "saf.channels.hook.url             | https://example.org/hooks/hunter2",
                "saf.channels.hook.url             | https://example.org?key=hunter2",
                "saf.channels.hook.url             | https://a.example.org,https://b.example.org/hunter2,x",
                "saf.channels.hook.url             | -----BEGIN PRIVATE KEY----- hunter2",
                "saf.channels.hook.subjects        | a," + SEED,
                "spring.ssl.bundle.jks.a.keystore.password            | hunter2",
                "spring.ssl.bundle.pem.a.keystore.private-key         | hunter2",
                "spring.ssl.bundle.pem.a.keystore.privateKey          | hunter2",
                "spring.application.json                              | {\"x\": \"hunter2\"}",
                "server.ssl.key-store-password                        | hunter2",
                "management.opentelemetry.tracing.export.otlp.headers.x | hunter2",
                "management.x.client-secret                           | hunter2",
                "management.x.api-key                                 | hunter2",
                "management.x.credentials                             | hunter2",
            })
    void showsNoSecret(String name, String value) {
        Map<String, EffectiveSetting> effective = effective(Map.of(name, value), Map.of());
        assertThat(effective.toString()).doesNotContain("hunter2", SEED);
        assertThat(effective.values())
                .filteredOn(each -> each.value().contains("***"))
                .hasSize(1);
    }

    @Test
    void showsNoSecretOfTheEnvironment() {
        Map<String, EffectiveSetting> effective = effective(
                Map.of(),
                Map.of(
                        "SAF_CHANNELS_HOOK_PASSWORD",
                        "hunter2",
                        "SPRING_SSL_BUNDLE_PEM_A_KEYSTORE_PRIVATEKEY",
                        "hunter2",
                        "SPRING_APPLICATION_JSON",
                        "{\"saf\": \"hunter2\"}"));
        assertThat(effective.toString()).doesNotContain("hunter2");
        assertThat(effective.values())
                .filteredOn(each -> each.value().equals("***"))
                .hasSize(3);
    }

    @Test
    void showsNothingOfAFolderOfSecretFilesAlsoWhereItIsInserted(@TempDir Path folder) throws Exception {
        Files.writeString(folder.resolve("saf.channels.hook.subjects"), "from-file");
        Files.writeString(folder.resolve("partner"), "hunter2\n");
        Map<String, EffectiveSetting> effective = effective(
                Map.of("saf.channels.hook.url", "tcp:${partner}"),
                Map.of(),
                new ConfigTreePropertySource(
                        "files", folder, ConfigTreePropertySource.Option.AUTO_TRIM_TRAILING_NEW_LINE));
        assertThat(effective.toString()).doesNotContain("hunter2", "from-file");
        assertThat(effective.values())
                .filteredOn(each -> each.value().equals("***"))
                .hasSize(2);
    }

    @Test
    void showsWhatIsNoSecret() {
        Map<String, EffectiveSetting> effective = effective(
                Map.of("saf.channels.hook.url", "nats://a:4222,nats://b:4222/", "server.port", "1378"), Map.of());
        assertThat(effective.values())
                .extracting(EffectiveSetting::value)
                .contains("nats://a:4222,nats://b:4222/", "1378");
    }

    private static Map<String, EffectiveSetting> effective(
            Map<String, Object> properties, Map<String, Object> variables, ConfigTreePropertySource... files) {
        StandardEnvironment environment = new StandardEnvironment();
        environment.getPropertySources().remove(StandardEnvironment.SYSTEM_PROPERTIES_PROPERTY_SOURCE_NAME);
        environment
                .getPropertySources()
                .replace(
                        StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
                        new SystemEnvironmentPropertySource(
                                StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, variables));
        environment.getPropertySources().addFirst(new MapPropertySource("test", properties));
        for (ConfigTreePropertySource each : files) {
            environment.getPropertySources().addFirst(each);
        }
        ConfigurationPropertySources.attach(environment);
        Settings settings = new Settings(environment);
        var _ = settings.bind("saf.channels.hook", Example.class);
        Map<String, EffectiveSetting> effective = new LinkedHashMap<>();
        settings.effective("saf.channels.hook.account"::equals).forEach(each -> effective.put(each.name(), each));
        return effective;
    }
}
