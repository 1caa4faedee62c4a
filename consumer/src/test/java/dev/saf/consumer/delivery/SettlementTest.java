package dev.saf.consumer.delivery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.saf.consumer.ledger.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class SettlementTest {

    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
    private static final Outcome FAILED = Outcome.Failed.ofEvent("x");

    @Test
    void whatTheDestinationTookIsDelivered() {
        assertThat(settle(new Outcome.Taken(), 99, retry(3))).isEqualTo(new Settlement.Delivered());
    }

    @Test
    void whatTheDestinationRejectsIsNeverRetried() {
        assertThat(settle(new Outcome.Rejected("no"), 1, retry(3)))
                .isEqualTo(new Settlement.DeadLetter(Reason.REJECTED, "no"));
    }

    @Test
    void aFailureIsRetriedAfterAGrowingPauseUpToTheCap() {
        assertThat(pause(1, retry(100))).isEqualTo(Duration.ofSeconds(1));
        assertThat(pause(2, retry(100))).isEqualTo(Duration.ofSeconds(2));
        assertThat(pause(3, retry(100))).isEqualTo(Duration.ofSeconds(3));
        assertThat(pause(99, retry(100))).isEqualTo(Duration.ofSeconds(3));
    }

    @Test
    void aFailureIsRetriedAfterThePausesOfASchedule() {
        Retry retry = schedule(Duration.ofSeconds(5), Duration.ofMinutes(5));
        assertThat(pause(1, retry)).isEqualTo(Duration.ofSeconds(5));
        assertThat(settle(FAILED, 2, retry)).isEqualTo(new Settlement.Park(NOW.plus(Duration.ofMinutes(5)), "x"));
        assertThat(settle(FAILED, 3, retry)).isEqualTo(new Settlement.DeadLetter(Reason.GAVE_UP, "x"));
    }

    @Test
    void jitterMakesAPauseShorterOrLonger() {
        Retry retry = retry(10, 0.2, Duration.ZERO);
        assertThat(retry.pause(1, Duration.ZERO, 0)).isEqualTo(Duration.ofMillis(800));
        assertThat(retry.pause(1, Duration.ZERO, 0.5)).isEqualTo(Duration.ofSeconds(1));
        assertThat(retry.pause(1, Duration.ZERO, 0.999)).isBetween(Duration.ofMillis(1190), Duration.ofMillis(1200));
    }

    @Test
    void thePauseIsNeverZeroHoweverManyAttempts() {
        Retry retry = retry(3, 1, Duration.ZERO);
        assertThat(retry.pause(1, Duration.ZERO, 0)).isEqualTo(Duration.ofMillis(1));
        assertThat(retry.pause(Long.MAX_VALUE, Duration.ZERO, 0.5)).isEqualTo(Duration.ofSeconds(3));
    }

    @Test
    void aDestinationMayAskForALongerPauseButNotForAShorterOrAnEndlessOne() {
        Retry retry = retry(10);
        assertThat(retry.pause(1, Duration.ofMillis(10), 0.5)).isEqualTo(Duration.ofSeconds(1));
        assertThat(retry.pause(1, Duration.ofMinutes(7), 0.5)).isEqualTo(Duration.ofMinutes(7));
        assertThat(retry.pause(1, Duration.ofDays(99), 0.5)).isEqualTo(Duration.ofHours(1));
    }

    @Test
    void theLastFailureIsADeadLetter() {
        assertThat(settle(FAILED, 2, retry(3))).isInstanceOf(Settlement.RetryAfter.class);
        assertThat(settle(FAILED, 3, retry(3))).isEqualTo(new Settlement.DeadLetter(Reason.GAVE_UP, "x"));
        assertThat(settle(FAILED, 4, retry(3))).isInstanceOf(Settlement.DeadLetter.class);
    }

    @Test
    void aFailureTooLongAfterTheFirstIsADeadLetter() {
        Retry retry = retry(-1, 0, Duration.ofMinutes(10));
        assertThat(settle(FAILED, 1000, retry)).isInstanceOf(Settlement.RetryAfter.class);
        Settlement.Situation late = new Settlement.Situation(5, 1, NOW.minus(Duration.ofMinutes(10)), Instant.MAX, NOW);
        assertThat(Settlement.of(FAILED, late, retry, 0.5)).isInstanceOf(Settlement.DeadLetter.class);
    }

    @Test
    void aLongPauseIsSpentElsewhere() {
        Retry retry = schedule(Duration.ofSeconds(31));
        assertThat(settle(FAILED, 1, retry)).isEqualTo(new Settlement.Park(NOW.plusSeconds(31), "x"));
    }

    @Test
    void whatWasHandedOutThreeTimesIsParkedSoThatAHigherCountMeansCrashes() {
        assertThat(Settlement.of(FAILED, new Settlement.Situation(3, 3, NOW, Instant.MAX, NOW), retry(10), 0.5))
                .isEqualTo(new Settlement.Park(NOW.plusSeconds(3), "x"));
    }

    @Test
    void whatTheStreamMayDropBeforeItIsDueIsParked() {
        Settlement.Situation old = new Settlement.Situation(1, 1, NOW, NOW.plusMillis(900), NOW);
        assertThat(Settlement.of(FAILED, old, retry(10), 0.5)).isEqualTo(new Settlement.Park(NOW.plusSeconds(1), "x"));
    }

    @Test
    void endlessAttemptsNeedABoundOfTime() {
        assertThatThrownBy(() -> retry(-1, 0, Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("attempts: must not be -1 without max-age");
    }

    private static Duration pause(long attempt, Retry retry) {
        return ((Settlement.RetryAfter) settle(FAILED, attempt, retry)).pause();
    }

    private static Settlement settle(Outcome outcome, long attempt, Retry retry) {
        return Settlement.of(outcome, new Settlement.Situation(attempt, 1, NOW, Instant.MAX, NOW), retry, 0.5);
    }

    private static Retry retry(int attempts) {
        return retry(attempts, 0, Duration.ZERO);
    }

    private static Retry retry(int attempts, double jitter, Duration maxAge) {
        return new Retry(
                attempts,
                Duration.ofSeconds(1),
                2,
                Duration.ofSeconds(3),
                List.of(),
                jitter,
                maxAge,
                Duration.ofHours(1),
                Duration.ofSeconds(30));
    }

    private static Retry schedule(Duration... pauses) {
        return new Retry(
                null,
                Duration.ofSeconds(1),
                2,
                Duration.ofSeconds(3),
                List.of(pauses),
                0,
                Duration.ZERO,
                Duration.ofHours(1),
                Duration.ofSeconds(30));
    }
}
