package dev.saf.jetstream;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class PublishHealthTest {

    private long now = Long.MAX_VALUE - 1; // System.nanoTime() may overflow
    private final PublishHealth health = new PublishHealth(() -> now);

    @Test
    void isWellAtFirst() {
        assertThat(health.problem()).isNull();
    }

    @Test
    void passesOverFailuresOfLessThanFiveSeconds() {
        for (int i = 0; i < 1000; i++) {
            health.failed("no leader");
        }
        pass(Duration.ofMillis(4999));
        health.failed("no leader");
        assertThat(health.problem()).isNull();
    }

    @Test
    void isNotMadeUnwellByASingleFailureLongAgo() {
        health.failed("no answer");
        pass(Duration.ofSeconds(20));
        assertThat(health.problem()).isNull();
    }

    @Test
    void isUnwellAfterFiveSecondsOfFailures() {
        fail();
        assertThat(health.problem()).isEqualTo("publishing has not worked for 5 seconds: no answer");
        pass(Duration.ofSeconds(7));
        assertThat(health.problem()).isEqualTo("publishing has not worked for 12 seconds: no answer");
    }

    @Test
    void isWellAfterASuccess() {
        fail();
        health.succeeded();
        assertThat(health.problem()).isNull();
        health.failed("no answer");
        assertThat(health.problem()).isNull();
    }

    @Test
    void isWellOnANewConnection() {
        fail();
        health.reconnected();
        assertThat(health.problem()).isNull();
    }

    @Test
    void isWellWhenAFullStreamHasRoomAgain() {
        fail();
        health.room();
        assertThat(health.problem()).isNotNull();
        health.full("stream events is full");
        health.room();
        assertThat(health.problem()).isNull();
    }

    @Test
    void letsSomebodyTryAfterThirtySecondsOfSilence() {
        fail();
        pass(Duration.ofMillis(29_999));
        assertThat(health.problem()).isNotNull();
        pass(Duration.ofMillis(1));
        assertThat(health.problem()).isNull();
        health.failed("no answer");
        assertThat(health.problem()).isEqualTo("publishing has not worked for 35 seconds: no answer");
    }

    private void fail() {
        health.failed("no answer");
        pass(Duration.ofSeconds(5));
        health.failed("no answer");
    }

    private void pass(Duration time) {
        now += time.toNanos();
    }
}
