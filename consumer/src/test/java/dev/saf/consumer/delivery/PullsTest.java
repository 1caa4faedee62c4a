package dev.saf.consumer.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PullsTest {

    private final Pulls pulls = new Pulls(8);

    @Test
    void asksForAllThatCanStartWhenNothingIsOnItsWay() {
        assertThat(pulls.wanted(8, 0)).isEqualTo(8);
        assertThat(pulls.wanted(1, 0)).isEqualTo(1);
        assertThat(pulls.wanted(0, 0)).isZero();
        assertThat(pulls.wanted(-3, 0)).isZero();
    }

    @Test
    void neverAsksForMoreThanCouldStart() {
        pulls.ask(6, 0);
        assertThat(pulls.wanted(8, 0)).isEqualTo(2);
        assertThat(pulls.wanted(7, 0)).isZero();
        assertThat(pulls.wanted(3, 0)).isZero();
    }

    @Test
    void countsWhatArrives() {
        pulls.ask(8, 0);
        for (int i = 0; i < 8; i++) {
            assertThat(pulls.isIdle()).isFalse();
            pulls.arrived();
        }
        assertThat(pulls.isIdle()).isTrue();
        pulls.arrived();
        assertThat(pulls.wanted(8, 0)).isEqualTo(8);
    }

    @Test
    void countsWhatWillNotArrive() {
        long first = pulls.ask(4, 0);
        long second = pulls.ask(4, 0);
        pulls.arrived();
        pulls.ended(first, 3);
        assertThat(pulls.wanted(8, 0)).isEqualTo(4);
        pulls.ended(second, -1);
        assertThat(pulls.isIdle()).isTrue();
    }

    @Test
    void doesNotCountTheEndOfAPullThatIsVoid() {
        long old = pulls.ask(8, 0);
        pulls.forget();
        pulls.ask(8, 0);
        pulls.ended(old, 8);
        assertThat(pulls.wanted(8, 0)).isZero();
    }

    @Test
    void givesUpAPullNobodyHearsOf() {
        pulls.ask(8, 0);
        assertThat(pulls.wanted(8, Pulls.EXPIRES_NANOS)).isZero();
        assertThat(pulls.wanted(8, Pulls.EXPIRES_NANOS + 1_000_000_001L)).isEqualTo(8);
    }

    @Test
    void givesUpAPullNobodyHearsOfWhileOthersAreAnswered() {
        pulls.ask(6, 0);
        for (long now = 0; now <= Pulls.EXPIRES_NANOS + 1_000_000_000L; now += 500_000_000) {
            assertThat(pulls.wanted(8, now)).isEqualTo(2);
            pulls.ask(2, now);
            pulls.arrived();
            pulls.arrived();
        }
        assertThat(pulls.wanted(8, Pulls.EXPIRES_NANOS + 1_000_000_001L)).isEqualTo(8);
    }

    @Test
    void saysWhetherNothingCameOfAPull() {
        assertThat(pulls.ended(pulls.ask(3, 0), 3)).isTrue();
        assertThat(pulls.ended(pulls.ask(3, 0), 2)).isFalse();
        // Unknown, or ended already.
        assertThat(pulls.ended(pulls.ask(3, 0), -1)).isFalse();
        assertThat(pulls.ended(99, 3)).isFalse();
    }
}
