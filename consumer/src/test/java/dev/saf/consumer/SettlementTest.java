package dev.saf.consumer;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class SettlementTest {

    private static final Retry RETRY = new Retry(3, Duration.ofSeconds(1), 2, Duration.ofSeconds(3));

    @Test
    void whatTheDestinationTookIsDelivered() {
        assertThat(Settlement.of(new Outcome.Taken(), 99, RETRY, 0.5)).isEqualTo(new Settlement.Delivered());
    }

    @Test
    void whatTheDestinationRejectsIsNeverRetried() {
        assertThat(Settlement.of(new Outcome.Rejected("no"), 1, RETRY, 0.5))
                .isEqualTo(new Settlement.DeadLetter(Settlement.Reason.REJECTED, "no"));
    }

    @Test
    void aFailureIsRetriedAfterAGrowingPauseUpToTheCap() {
        Retry patient = new Retry(100, Duration.ofSeconds(1), 2, Duration.ofSeconds(3));
        assertThat(Settlement.of(new Outcome.Failed("x"), 1, patient, 0.5))
                .isEqualTo(new Settlement.RetryAfter(Duration.ofMillis(500), "x"));
        assertThat(Settlement.of(new Outcome.Failed("x"), 2, patient, 0.5))
                .isEqualTo(new Settlement.RetryAfter(Duration.ofSeconds(1), "x"));
        assertThat(Settlement.of(new Outcome.Failed("x"), 3, patient, 0.5))
                .isEqualTo(new Settlement.RetryAfter(Duration.ofMillis(1500), "x"));
        assertThat(Settlement.of(new Outcome.Failed("x"), 99, patient, 0.5))
                .isEqualTo(new Settlement.RetryAfter(Duration.ofMillis(1500), "x"));
    }

    @Test
    void thePauseIsNeverZeroHoweverManyAttempts() {
        assertThat(RETRY.pause(1, 0)).isEqualTo(Duration.ofMillis(1));
        assertThat(RETRY.pause(Long.MAX_VALUE, 0.999)).isBetween(Duration.ofSeconds(2), Duration.ofSeconds(3));
    }

    @Test
    void theLastFailureIsADeadLetter() {
        assertThat(Settlement.of(new Outcome.Failed("x"), 2, RETRY, 0.5)).isInstanceOf(Settlement.RetryAfter.class);
        assertThat(Settlement.of(new Outcome.Failed("x"), 3, RETRY, 0.5))
                .isEqualTo(new Settlement.DeadLetter(Settlement.Reason.GAVE_UP, "x"));
        assertThat(Settlement.of(new Outcome.Failed("x"), 4, RETRY, 0.5)).isInstanceOf(Settlement.DeadLetter.class);
    }
}
