package dev.saf.consumer.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class TallyTest {

    private final Tally tally = new Tally(Source.events("audit"));

    @Test
    void noticesEachGap() {
        assertThat(tally.arrived(7, false)).isFalse();
        assertThat(tally.arrived(8, false)).isTrue();
        assertThat(tally.arrived(10, false)).isFalse();
        assertThat(tally.arrived(10, false)).isFalse();
        assertThat(tally.arrived(11, false)).isTrue();
        assertThat(tally.gaps()).isEqualTo(3);
        assertThat(tally.last()).isEqualTo(11);
    }

    @Test
    void whereNothingIsUnsettledNothingIsMissing() {
        assertThat(tally.isAll(0, tally.last(), 0, 20)).isTrue();
        assertThat(tally.arrived(21, false)).isTrue();
        long before = tally.last();
        assertThat(tally.isAll(0, before, 1, 22)).isFalse();
        assertThat(tally.arrived(22, false)).isTrue();
        // What has come in between may be one of those that the server does not count any more.
        assertThat(tally.isAll(0, before, 0, 25)).isFalse();
    }

    @Test
    void asManyAsAreUnsettledAreAllIfTheLastOneIsAmongThem() {
        tally.arrived(7, false);
        assertThat(tally.isAll(1, 7, 1, 7)).isTrue();
        assertThat(tally.isAll(1, 7, 2, 8)).isFalse();
        // The same one, but handed out to somebody else, too.
        assertThat(tally.isAll(1, 7, 1, 8)).isFalse();
    }

    @Test
    void asManyButNotTheLastAreOddAfterAWhileAndFewerNever() {
        long now = 1;
        long later = now + Duration.ofSeconds(3).toNanos() + 1;
        assertThat(tally.areOdd(2, 2, now)).isFalse();
        assertThat(tally.areOdd(2, 2, later)).isTrue();
        assertThat(tally.areOdd(2, 3, now)).isFalse();
        assertThat(tally.areOdd(2, 3, later)).isFalse();
        assertThat(tally.areOdd(2, 2, now)).isFalse();
        tally.areFine();
        assertThat(tally.areOdd(2, 2, later)).isFalse();
    }
}
