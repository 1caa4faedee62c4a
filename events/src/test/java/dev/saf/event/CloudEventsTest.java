package dev.saf.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.OffsetDateTime;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CloudEventsTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "2026-01-02T03:04:05Z",
                "2026-01-02T03:04:05.1Z",
                "2026-01-02T03:04:05.006Z",
                "2026-01-02T03:04:05.123456789Z",
                "0001-01-01T00:00:00Z",
                "9999-12-31T23:59:59.999999999Z",
                "2024-02-29T00:00:00Z",
                "2026-01-02t03:04:05z",
                "2026-01-02T03:04:05+05:30",
                "2026-01-02T03:04:05.5-08:00"
            })
    void readsATimeAsTheGeneralParserDoes(String text) {
        assertThat(CloudEvents.time(text)).isEqualTo(OffsetDateTime.parse(text).toInstant());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "2026-01-02",
                "2026-01-02T03:04:05",
                "2026-01-02 03:04:05Z",
                "2026-13-02T03:04:05Z",
                "2026-02-30T03:04:05Z",
                "2025-02-29T03:04:05Z",
                "2026-01-02T24:00:00Z",
                "2026-01-02T03:60:00Z",
                "2026-01-02T03:04:60Z",
                "2026-01-02T03:04:05.1234567890Z",
                "2026-01-02T03:04:05.12x4Z",
                "0000-01-01T00:00:00Z",
                "2026-01-0２T03:04:05Z",
                "-026-01-02T03:04:05Z"
            })
    void refusesWhatIsNoTime(String text) {
        assertThatThrownBy(() -> CloudEvents.time(text)).isInstanceOf(InvalidEventException.class);
    }
}
