package dev.saf.consumer.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.consumer.ledger.Attempt;
import dev.saf.consumer.ledger.Passage;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class FailuresTest {

    private final Failures failures = new Failures();

    @Test
    void remembersTheAttemptsThatTheMessageDoesNotCarry() {
        var _ = failures.add(carried(0, 0), attempt(1));
        Passage twice = failures.add(carried(0, 0), attempt(2));
        assertThat(twice.attempts()).isEqualTo(2);
        assertThat(twice.history()).hasSize(2);
        assertThat(failures.attempts(carried(0, 0))).isEqualTo(2);
    }

    @Test
    void doesNotTakeAParkedEventForTheMessageThatWasToBeParked() {
        var _ = failures.add(carried(0, 0), attempt(1));
        Passage parked = failures.add(carried(1, 1), attempt(2));
        assertThat(parked.parkings()).isEqualTo(1);
        assertThat(parked.attempts()).isEqualTo(2);
    }

    @Test
    void forgetsWhatIsSettled() {
        var _ = failures.add(carried(0, 0), attempt(1));
        failures.forget(carried(0, 0));
        assertThat(failures.attempts(carried(0, 0))).isZero();
    }

    private static Passage carried(long attempts, long parkings) {
        return new Passage("a", "events.x", 1, 1, null, attempts, parkings, 0, null, null, List.of());
    }

    private static Attempt attempt(long number) {
        return new Attempt(number, Instant.EPOCH, Duration.ZERO, "no");
    }
}
