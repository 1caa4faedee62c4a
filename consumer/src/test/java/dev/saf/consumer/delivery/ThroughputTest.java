package dev.saf.consumer.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class ThroughputTest {

    private final Throughput throughput = new Throughput();

    @Test
    void isZeroBeforeThereIsAnythingToCompare() {
        assertThat(throughput.perSecond()).isEqualTo(new ChannelStatus.Rates(0, 0));
        look(0, 100, 10);
        assertThat(throughput.perSecond()).isEqualTo(new ChannelStatus.Rates(0, 0));
    }

    @Test
    void isTheAverageOfTheLastMinute() {
        for (int second = 0; second <= 300; second++) {
            look(second * 1000L, second < 200 ? 0 : (second - 200) * 20.0, second);
        }
        assertThat(throughput.perSecond()).isEqualTo(new ChannelStatus.Rates(20, 1));
    }

    @Test
    void looksNoMoreOftenThanEverySecond() {
        look(0, 0, 0);
        look(1000, 10, 0);
        look(1100, 1000, 0);
        assertThat(throughput.perSecond().delivered()).isEqualTo(10);
    }

    private void look(long millis, double delivered, double failed) {
        throughput.look(Duration.ofMillis(millis).toNanos(), delivered, failed);
    }
}
