package dev.saf.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

class SettingsTest {

    enum Storage {
        FILE,
        MEMORY
    }

    record Retry(
            @DefaultValue("5") int attempts,
            @DefaultValue("1s") Duration initial) {
        Retry {
            if (attempts < 1) {
                throw new IllegalArgumentException("attempts: must be at least 1, is " + attempts);
            }
        }
    }

    record Example(
            @Nullable String url,
            @DefaultValue({"a", "b"}) List<String> subjects,
            @DefaultValue("file") Storage storage,
            @DefaultValue("1s") Duration artificialSleep,
            @DefaultValue Retry retry) {}

    record Other(@DefaultValue("1") int concurrency) {}

    @Test
    void bindsFilesAndEnvironmentWithDefaults() {
        Settings settings =
                settings(Map.of("saf.channels.hook.url", "x"), Map.of("SAF_CHANNELS_HOOK_ARTIFICIALSLEEP", "2s"));
        assertThat(settings.bind("saf.channels.hook", Example.class))
                .isEqualTo(new Example(
                        "x",
                        List.of("a", "b"),
                        Storage.FILE,
                        Duration.ofSeconds(2),
                        new Retry(5, Duration.ofSeconds(1))));
    }

    @Test
    void isNotDisturbedByThePropertyThatPutsTheTestsNatsIntoAContainer() {
        Settings settings =
                settings(Map.of("saf.nats", "container", "saf.nats.subjects", "${other}", "other", "c"), Map.of());
        assertThat(settings.bind("saf.nats", Example.class).subjects()).containsExactly("c");
        assertThat(settings(Map.of("saf.nats", "container"), Map.of())
                        .bind("saf.nats", Other.class)
                        .concurrency())
                .isEqualTo(1);
    }

    @Test
    void readsBothSpellingsOfADashInTheEnvironment() {
        Settings settings = settings(Map.of(), Map.of("SAF_CHANNELS_HOOK_ARTIFICIAL_SLEEP", "3s"));
        assertThat(settings.bind("saf.channels.hook", Example.class).artificialSleep())
                .isEqualTo(Duration.ofSeconds(3));
    }

    @Test
    void bindsAListFromTheEnvironment() {
        assertThat(settings(Map.of(), Map.of("SAF_CHANNELS_HOOK_SUBJECTS", "x,y"))
                        .bind("saf.channels.hook", Example.class)
                        .subjects())
                .containsExactly("x", "y");
        assertThat(settings(Map.of(), Map.of("SAF_CHANNELS_HOOK_SUBJECTS_0", "z"))
                        .bind("saf.channels.hook", Example.class)
                        .subjects())
                .containsExactly("z");
    }

    @Test
    void refusesAnUnknownKeyAndNamesTheKnownOnes() {
        assertRefused(
                Map.of("saf.channels.hook.ulr", "x"),
                Map.of(),
                "saf.channels.hook.ulr: is unknown; saf.channels.hook has [url, subjects, storage, artificial-sleep,"
                        + " retry.attempts, retry.initial]");
    }

    @Test
    void refusesAnUnknownVariable() {
        assertRefused(Map.of(), Map.of("SAF_CHANNELS_HOOK_ULR", "x"), "SAF_CHANNELS_HOOK_ULR: is unknown");
        assertRefused(Map.of(), Map.of("SAF_CHANELS_HOOK_URL", "x"), "SAF_CHANELS_HOOK_URL: is unknown; saf has");
    }

    @Test
    void refusesAnUnknownPart() {
        assertRefused(Map.of("saf.chanels.hook.url", "x"), Map.of(), "saf.chanels.hook.url: is unknown; saf has");
        assertRefused(Map.of("saf.consumer.threads", "4"), Map.of(), "saf.consumer.threads: is unknown; saf has");
    }

    @Test
    void passesOverWhatKubernetesPutsIntoTheEnvironment() {
        assertThat(settings(
                                Map.of(),
                                Map.of(
                                        "SAF_PRODUCER_PORT_1378_TCP_ADDR",
                                        "10.0.0.1",
                                        "SAF_PRODUCER_SERVICE_HOST",
                                        "10.0.0.1",
                                        "SAF_PRODUCER_PORT",
                                        "tcp://10.0.0.1:1378"))
                        .bind("saf.producer", Other.class))
                .isEqualTo(new Other(1));
    }

    @Test
    void refusesAValueOfTheWrongType() {
        assertRefused(
                Map.of("saf.channels.hook.artificial-sleep", "soon"),
                Map.of(),
                "saf.channels.hook.artificial-sleep: 'soon' is not a duration, such as 500ms");
        assertRefused(
                Map.of("saf.channels.hook.storage", "tape"),
                Map.of(),
                "saf.channels.hook.storage: 'tape' is not one of [file, memory]");
        assertRefused(
                Map.of("saf.channels.hook.retry.attempts", "many"),
                Map.of(),
                "saf.channels.hook.retry.attempts: 'many' is not a whole number");
    }

    @Test
    void refusesAValueTheRecordRefuses() {
        assertRefused(
                Map.of("saf.channels.hook.retry.attempts", "0"),
                Map.of(),
                "saf.channels.hook.retry.attempts: must be at least 1, is 0");
    }

    @Test
    void severalRecordsMayShareAPrefix() {
        Settings settings = settings(Map.of("saf.channels.hook.concurrency", "3"), Map.of());
        assertThat(settings.bind("saf.channels.hook", Example.class, Other.class)
                        .url())
                .isNull();
        assertThat(settings.bind("saf.channels.hook", Other.class, Example.class))
                .isEqualTo(new Other(3));
    }

    @Test
    void listsTheNamesBelowAPrefix() {
        assertThat(settings(
                                Map.of("saf.channels.log", "", "saf.channels.my-hook.url", "x"),
                                Map.of("SAF_CHANNELS_AUDIT_URL", "y", "SAF_CHANNELS_MYHOOK_URL", "z"))
                        .namesBelow("saf.channels"))
                .containsExactlyInAnyOrder("log", "my-hook", "audit");
    }

    @Test
    void describesEveryPropertyWithItsDefault() {
        assertThat(Settings.describe("saf.x", Example.class))
                .containsEntry("saf.x.url", "")
                .containsEntry("saf.x.storage", "file")
                .containsEntry("saf.x.retry.attempts", "5");
    }

    private static void assertRefused(Map<String, Object> file, Map<String, Object> variables, String message) {
        assertThatThrownBy(() -> settings(file, variables).bind("saf.channels.hook", Example.class))
                .isInstanceOf(InvalidSettingException.class)
                .hasMessageStartingWith(message);
    }

    private static Settings settings(Map<String, Object> file, Map<String, Object> variables) {
        StandardEnvironment environment = new StandardEnvironment();
        environment
                .getPropertySources()
                .replace(
                        StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
                        new SystemEnvironmentPropertySource(
                                StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, variables));
        environment.getPropertySources().addLast(new MapPropertySource("saf.yml", file));
        return new Settings(environment);
    }
}
