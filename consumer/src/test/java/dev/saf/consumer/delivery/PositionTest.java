package dev.saf.consumer.delivery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class PositionTest {

    @Test
    void readsWhatTheServerSays() {
        assertThat(Position.of("$JS.ACK.events.saf-audit.3.17.21.1763719200123456789.4"))
                .isEqualTo(new Position(17, 3, 1763719200123456789L));
    }

    @Test
    void readsWhatAServerInADomainSays() {
        assertThat(Position.of("$JS.ACK.hub.ACCOUNT.events.saf-audit.3.17.21.1763719200123456789.4"))
                .isEqualTo(new Position(17, 3, 1763719200123456789L));
        assertThat(Position.of("$JS.ACK._.ACCOUNT.events.saf-audit.3.17.21.1763719200123456789.4.rAnDoM"))
                .isEqualTo(new Position(17, 3, 1763719200123456789L));
    }

    @Test
    void readsHowManyWereHandedOut() {
        assertThat(Position.consumerSequence("$JS.ACK.events.saf-audit.3.17.21.1763719200123456789.4"))
                .isEqualTo(21);
        assertThat(Position.consumerSequence("$JS.ACK._.ACCOUNT.events.saf-audit.3.17.21.1763719200123456789.4.rAnDoM"))
                .isEqualTo(21);
    }

    @Test
    void refusesWhatIsNoAcknowledgement() {
        assertThatThrownBy(() -> Position.of("events.orders")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Position.of("$JS.ACK.events")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void rememberedEventsAreToldApartByTheTimeTheyWereStored() {
        DeliveredEvents delivered = new DeliveredEvents();
        delivered.add(new Position(17, 1, 1000));
        assertThat(delivered.contains(new Position(17, 2, 1000))).isTrue();
        assertThat(delivered.contains(new Position(17, 1, 1001))).isFalse();
        assertThat(delivered.contains(new Position(18, 1, 1000))).isFalse();
        delivered.add(new Position(17 + (1 << 14), 1, 2000));
        assertThat(delivered.contains(new Position(17, 2, 1000))).isFalse();
    }

    @Test
    void logLinesAreLimitedAndTheRestIsCounted() {
        LogLimit limit = new LogLimit(2, java.time.Duration.ofSeconds(1));
        assertThat(limit.allow(0)).isZero();
        assertThat(limit.allow(1)).isZero();
        assertThat(limit.allow(2)).isEqualTo(-1);
        assertThat(limit.allow(3)).isEqualTo(-1);
        assertThat(limit.allow(1_000_000_002L)).isEqualTo(2);
        assertThat(limit.allow(1_000_000_003L)).isZero();
    }
}
