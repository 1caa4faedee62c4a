package dev.saf.consumer.delivery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class PaceTest {

    private long now = Long.MAX_VALUE - 1000;

    private int pass(Pace pace, Duration time) {
        now += time.toNanos();
        int room = pace.room(now);
        for (int i = 0; i < room; i++) {
            pace.spend();
        }
        return room;
    }

    @Test
    void letsSoManyASecondComeHoweverOftenItIsAsked() {
        Pace pace = new Pace(20, 5, now);
        assertThat(pass(pace, Duration.ZERO)).isEqualTo(1);
        int come = 0;
        for (int i = 0; i < 10_000; i++) {
            come += pass(pace, Duration.ofMillis(1));
        }
        assertThat(come).isBetween(199, 200);
    }

    @Test
    void whatIsNotUsedGathersUpToTheBurst() {
        Pace pace = new Pace(20, 5, now);
        assertThat(pass(pace, Duration.ofMillis(101))).isEqualTo(3);
        assertThat(pass(pace, Duration.ofHours(1))).isEqualTo(5);
        assertThat(pass(pace, Duration.ZERO)).isZero();
    }

    @Test
    void takesItsTimeWhenThatIsLong() {
        Pace pace = new Pace(0.01, 1, now);
        assertThat(pass(pace, Duration.ZERO)).isEqualTo(1);
        assertThat(pass(pace, Duration.ofSeconds(99))).isZero();
        assertThat(pass(pace, Duration.ofSeconds(2))).isEqualTo(1);
    }

    @Test
    void whatComesWithoutRoomIsMadeUpFor() {
        Pace pace = new Pace(10, 1, now);
        for (int i = 0; i < 4; i++) {
            pace.spend();
        }
        assertThat(pass(pace, Duration.ofMillis(390))).isZero();
        assertThat(pass(pace, Duration.ofMillis(20))).isEqualTo(1);
    }

    @Test
    void isNoPaceWithoutAnything() {
        assertThatThrownBy(() -> new Pace(0, 1, now))
                .hasMessage("a pace has more than 0 a second, is 0.0, and gathers at least 1, is 1.0");
        assertThatThrownBy(() -> new Pace(Double.NaN, 1, now)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Pace(1, 0.5, now)).isInstanceOf(IllegalArgumentException.class);
    }
}
