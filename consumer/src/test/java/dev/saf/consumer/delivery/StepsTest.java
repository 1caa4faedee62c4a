package dev.saf.consumer.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.consumer.ledger.Passage;
import dev.saf.consumer.ledger.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class StepsTest {

    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
    private static final Instant IN_AN_HOUR = NOW.plus(Duration.ofHours(1));
    private static final Passage PASSAGE = new Passage("a", "events.x", 1, 1, null, 1, 0, 0, null, null, List.of());

    private final Steps steps = new Steps(
            new Retry(
                    null,
                    Duration.ofSeconds(1),
                    4,
                    Duration.ofHours(6),
                    List.of(),
                    0.2,
                    Duration.ZERO,
                    Duration.ofHours(1),
                    Duration.ofSeconds(30)),
            new Failures());
    private final Step.Park park = new Step.Park(PASSAGE, IN_AN_HOUR, "no");

    @Test
    void whatCannotBeParkedComesAgainWhenItIsDue() {
        assertThat(steps.notParked(park, Instant.MAX, NOW)).isEqualTo(new Step.GiveBack(Duration.ofHours(1)));
    }

    @Test
    void whatCannotBeParkedComesAgainBeforeItsStreamDropsIt() {
        assertThat(steps.notParked(park, NOW.plusSeconds(60), NOW))
                .isEqualTo(new Step.GiveBack(Duration.ofSeconds(60)));
    }

    @Test
    void whatCannotBeParkedIsKeptAsideWhenItsStreamIsAboutToDropIt() {
        assertThat(steps.notParked(park, NOW, NOW)).isEqualTo(new Step.KeepAside(PASSAGE, Reason.EXPIRING, "no"));
    }
}
