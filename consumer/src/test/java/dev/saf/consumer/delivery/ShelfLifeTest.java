package dev.saf.consumer.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class ShelfLifeTest {

    private static final Instant STORED = Instant.parse("2026-01-01T00:00:00Z");

    private final ShelfLife life = new ShelfLife(Duration.ofHours(100));

    private static Instant after(int hours) {
        return STORED.plus(Duration.ofHours(hours));
    }

    @Test
    void endsAtNineTenthsOfTheAgeWhileNothingIsDelivered() {
        assertThat(life.isOver(STORED, after(90).minusMillis(1), true)).isFalse();
        assertThat(life.isOver(STORED, after(90), true)).isTrue();
        assertThat(life.safeUntil(STORED)).isEqualTo(after(90));
    }

    @Test
    void endsALittleLaterWhileOthersAreDelivered() {
        assertThat(life.isOver(STORED, after(95).minusMillis(1), false)).isFalse();
        assertThat(life.isOver(STORED, after(95), false)).isTrue();
    }

    @Test
    void neverEndsWithoutAnAge() {
        assertThat(ShelfLife.FOR_EVER.isOver(STORED, Instant.MAX.minusSeconds(1), true))
                .isFalse();
        assertThat(ShelfLife.FOR_EVER.safeUntil(STORED)).isEqualTo(Instant.MAX);
    }

    @Test
    void isLookedAtOftenEnough() {
        assertThat(life.patience()).isEqualTo(Duration.ofSeconds(10));
        assertThat(ShelfLife.FOR_EVER.patience()).isEqualTo(Duration.ofSeconds(10));
        assertThat(new ShelfLife(Duration.ofSeconds(30)).patience()).isEqualTo(Duration.ofMillis(300));
        assertThat(new ShelfLife(Duration.ofSeconds(1)).patience()).isEqualTo(Duration.ofMillis(100));
    }
}
