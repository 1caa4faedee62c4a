package dev.saf.jetstream;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.saf.settings.InvalidSettingException;
import dev.saf.settings.Settings;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class StreamsSettingsTest {

    @Test
    void hasTheDefaultsOfTheDesign() {
        StreamsSettings settings = Settled.streams();
        assertThat(settings.events().maxAge()).isEqualTo(Duration.ofDays(7));
        assertThat(settings.events().duplicateWindow()).isEqualTo(Duration.ofMinutes(10));
        assertThat(settings.events().configuration().getMaxBytes()).isEqualTo(1L << 30);
        assertThat(settings.events().allowAtomic()).isTrue();
        assertThat(settings.deadLetters().maxAge()).isEqualTo(Duration.ofDays(30));
        assertThat(settings.deadLetters().duplicateWindow()).isEqualTo(Duration.ofHours(1));
        assertThat(settings.deadLetters().configuration().getMaxBytes()).isEqualTo(256L << 20);
        assertThat(settings.deadLetters().configuration().getSubjects()).containsExactly("dead-letters.>");
        assertThat(settings.later().maxParked()).isEqualTo(1_000_000);
        assertThat(settings.advisories().maxAge()).isEqualTo(Duration.ofDays(30));
        assertThat(settings.checkInterval()).isEqualTo(Duration.ofMinutes(1));
    }

    @Test
    void isDescribedByItsProperties() {
        assertThat(Settings.describe("saf.streams", StreamsSettings.class))
                .containsEntry("saf.streams.events.max-age", "7d")
                .containsEntry("saf.streams.dead-letters.max-age", "30d")
                .containsEntry("saf.streams.events.placement.cluster", "");
    }

    @Test
    void refusesWhatWouldLoseMessages() {
        for (String stream : new String[] {"events", "dead-letters"}) {
            assertRefused(stream, "max-bytes: must be set where replicas is more than 1", "replicas", "3");
            assertRefused(stream, "duplicate-window: must not be longer than max-age", "max-age", "5m");
            assertRefused(stream, "storage: memory needs at least 3 replicas", "storage", "memory");
            assertRefused(stream, "retention: must be limits; with interest", "retention", "interest");
            assertRefused(stream, "retention: must be limits; a work queue", "retention", "workqueue");
            assertRefused(stream, "discard: must be new", "discard", "old");
            assertRefused(stream, "persistence: must be default", "persistence", "async");
            assertRefused(stream, "no-ack: must be false", "no-ack", "true");
            assertRefused(stream, "allow-rollup: must be false", "allow-rollup", "true");
            assertRefused(stream, "mirror: must not be set", "mirror", "other");
            assertRefused(stream, "sources: must not be set", "sources", "other");
            assertRefused(stream, "subject-transform: must not be set", "subject-transform.source", "a");
        }
    }

    @Test
    void keepsWhatItWorksWithAsItKeepsEvents() {
        StreamsSettings settings = Settled.streams(
                "events.storage", "memory",
                "events.replicas", "5",
                "events.max-bytes", "1GB",
                "events.placement.cluster", "west",
                "later.replicas", "3",
                "later.storage", "file",
                "later.placement.cluster", "east");
        for (String stream : new String[] {Streams.STATE, Streams.ADVISORIES}) {
            StreamConfiguration asEvents = settings.configuration(stream);
            assertThat(asEvents.getReplicas()).isEqualTo(5);
            assertThat(asEvents.getStorageType()).isEqualTo(StorageType.Memory);
            assertThat(requireNonNull(asEvents.getPlacement()).getCluster()).isEqualTo("west");
        }
        StreamConfiguration own = settings.configuration(Streams.LATER);
        assertThat(own.getReplicas()).isEqualTo(3);
        assertThat(own.getStorageType()).isEqualTo(StorageType.File);
        assertThat(requireNonNull(own.getPlacement()).getCluster()).isEqualTo("east");
    }

    @Test
    void refusesWhatWouldForgetARetryOrAFact() {
        assertRefused("later", "storage: memory needs at least 3 replicas", "storage", "memory");
        assertRefused("state", "storage: memory needs at least 3 replicas", "storage", "memory");
        assertThatThrownBy(() -> Settled.streams(
                        "events.storage", "memory",
                        "events.replicas", "3",
                        "events.max-bytes", "1GB",
                        "later.replicas", "1"))
                .hasMessageStartingWith("saf.streams.later.storage: memory needs at least 3 replicas");
        assertThat(Settled.streams("advisories.storage", "memory").advisories().maxAge())
                .isPositive();
        assertRefused("later", "max-parked: must be at least 1, is 0", "max-parked", "0");
        assertRefused("later", "max-age: is unknown", "max-age", "1d");
        assertRefused("later", "replicas: must be 1 to 5, is 6", "replicas", "6");
        assertRefused("state", "replicas: must be 1 to 5, is 0", "replicas", "0");
        assertRefused("advisories", "replicas: must be 1 to 5, is 0", "replicas", "0");
        assertRefused("advisories", "max-age: must be at least 2m", "max-age", "1s");
    }

    @Test
    void refusesWhatIsImpossible() {
        assertRefused("events", "replicas: must be 1 to 5, is 0", "replicas", "0");
        assertRefused("events", "max-bytes: must be more than zero", "max-bytes", "0B");
        assertRefused("events", "max-messages: must be more than zero", "max-messages", "0");
        assertRefused("events", "duplicate-window: must be at least 1s", "duplicate-window", "0s");
        assertRefused("events", "compression: 'zip' is not one of [none, s2]", "compression", "zip");
        assertRefused("events", "storage: 'tape' is not one of [file, memory]", "storage", "tape");
        assertThatThrownBy(() -> Settled.streams("check-interval", "1ms"))
                .hasMessage("saf.streams.check-interval: must be at least 1s, is PT0.001S");
        assertThatThrownBy(() -> Settled.streams("event.max-age", "1d"))
                .hasMessageStartingWith("saf.streams.event.max-age: is unknown");
    }

    @Test
    void allowsWhatIsSafe() {
        assertThat(Settled.streams("events.storage", "memory", "events.replicas", "3", "events.max-bytes", "100MB")
                        .events()
                        .replicas())
                .isEqualTo(3);
        assertThat(Settled.streams("events.max-age", "0s").events().maxAge()).isZero();
    }

    private static void assertRefused(String stream, String message, String key, String value) {
        assertThatThrownBy(() -> Settled.streams(stream + "." + key, value))
                .isInstanceOf(InvalidSettingException.class)
                .hasMessageStartingWith("saf.streams." + stream + "." + message);
    }
}
