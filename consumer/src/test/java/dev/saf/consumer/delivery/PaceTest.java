package dev.saf.consumer.delivery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PaceTest {

    private static final long SECOND = 1_000_000_000;

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

    @Test
    void tellsHowManyMayComeSoonAndWhenTheNext() {
        Pace pace = new Pace(20, 2, now);
        assertThat(pace.take(now)).isTrue();
        assertThat(pace.take(now)).isFalse();
        assertThat(pace.room(now, Duration.ofMillis(250))).isEqualTo(5);
        assertThat(pace.nanosToNext(now)).isEqualTo(50_000_000);
        pace.spend();
        assertThat(pace.room(now, Duration.ofMillis(250))).isEqualTo(4);
        assertThat(pace.nanosToNext(now)).isEqualTo(100_000_000);
        assertThat(pace.take(now + 99_000_000)).isFalse();
        assertThat(pace.take(now + 100_000_000)).isTrue();
    }

    @Test
    void comesBackFromNothingAsSlowlyAsItIsTold() {
        Pace pace = new Pace(100, 100, now);
        assertThat(pace.room(now + SECOND)).isEqualTo(100);
        pace.slowTo(0, now + SECOND);
        // What comes now others decide, and what has gathered is gone.
        assertThat(pace.take(now + SECOND)).isTrue();
        long begin = now + 2 * SECOND;
        int come = 0;
        for (int tenths = 0; tenths <= 100; tenths++) {
            long at = begin + tenths * SECOND / 10;
            pace.slowTo(Math.max(0.0001, tenths / 100.0), at);
            while (pace.take(at)) {
                come++;
            }
            double seconds = tenths / 10.0;
            assertThat(come).isLessThanOrEqualTo((int) (100 * seconds * seconds / 20) + 1);
        }
        assertThat(come).isGreaterThan(450);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void noTimeEverSeesMoreThanItsShareAndABurst(long seed) {
        Random random = new Random(seed);
        double perSecond = 1 + random.nextInt(1000);
        int burst = 1 + random.nextInt(50);
        long begin = now;
        Pace pace = new Pace(perSecond, burst, now);
        List<Long> came = new ArrayList<>();
        for (int i = 0; i < 3000; i++) {
            now += random.nextLong((long) (2 * SECOND / perSecond));
            if (pace.take(now)) {
                came.add(now);
            }
        }
        for (int from = 0; from < came.size(); from += 7) {
            for (int to = from; to < came.size(); to++) {
                double seconds = (came.get(to) - came.get(from)) / (double) SECOND;
                assertThat((double) to - from + 1).isLessThanOrEqualTo(burst + perSecond * seconds + 1e-6);
            }
        }
        // And hardly any of it is wasted.
        assertThat((double) came.size()).isGreaterThan(0.6 * Math.min(3000, perSecond * (now - begin) / SECOND));
    }
}
