package dev.saf.consumer.upkeep;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class OwnerTest {

    private static final List<String> CONFIGURED = List.of("audit", "a-replay-b");

    @Test
    void knowsTheDurablesOfChannels() {
        assertThat(Owner.of("events", "saf-audit", CONFIGURED)).isEqualTo(new Owner("audit", null));
        assertThat(Owner.of("events", "saf-former", CONFIGURED)).isEqualTo(new Owner("former", null));
        assertThat(Owner.of("events", "saf-audit-replay-x1", CONFIGURED)).isEqualTo(new Owner("audit", "x1"));
        assertThat(Owner.of("events", "saf-a-replay-b", CONFIGURED)).isEqualTo(new Owner("a-replay-b", null));
        assertThat(Owner.of("later", "saf-audit-due", CONFIGURED)).isEqualTo(new Owner("audit", null));
    }

    @Test
    void knowsThatOthersAreNot() {
        assertThat(Owner.of("events", "reports", CONFIGURED)).isNull();
        assertThat(Owner.of("events", "saf-Audit", CONFIGURED)).isNull();
        assertThat(Owner.of("later", "saf-audit", CONFIGURED)).isNull();
        assertThat(Owner.of("dead-letters", "saf-audit", CONFIGURED)).isNull();
    }
}
