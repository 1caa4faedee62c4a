package dev.saf.consumer.delivery;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.saf.consumer.delivery.Agreement.OpenCircuit;
import dev.saf.consumer.delivery.Circuit.News;
import dev.saf.consumer.delivery.Circuit.State;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class CircuitTest {

    private static final Outcome TAKEN = new Outcome.Taken();
    private static final Outcome REJECTED = new Outcome.Rejected("not mine");
    private static final Outcome UNREACHABLE = Outcome.Failed.ofDestination("nobody there");
    private static final Outcome FAILED = Outcome.Failed.ofEvent("not this one");

    private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 1000);
    private final Circuit circuit = circuit("one");
    private long revision;

    private Circuit circuit(String self, String... settings) {
        Map<String, String> all = new HashMap<>(Map.of("breaker.minimum", "10", "breaker.window", "10"));
        for (String setting : settings) {
            all.put(setting.split("=", 2)[0], setting.split("=", 2)[1]);
        }
        return new Circuit(
                "audit",
                new Binder(new MapConfigurationPropertySource(all)).bindOrCreate("", ChannelSettings.class),
                self,
                nanos::get);
    }

    private void pass(Duration time) {
        nanos.addAndGet(time.toNanos());
        circuit.tick();
    }

    private static void tell(Circuit circuit, Outcome outcome, int times) {
        for (int i = 0; i < times; i++) {
            circuit.tell(outcome, circuit.phase());
        }
    }

    private void open() {
        tell(circuit, UNREACHABLE, 10);
        assertThat(circuit.state()).isEqualTo(State.OPEN);
    }

    @Test
    void opensWhenMostDeliveriesDoNotReachTheDestination() {
        tell(circuit, TAKEN, 4);
        tell(circuit, UNREACHABLE, 6);
        assertThat(circuit.state()).isEqualTo(State.CLOSED);
        assertThat(circuit.limit()).isEqualTo(Integer.MAX_VALUE);
        tell(circuit, UNREACHABLE, 1);
        assertThat(circuit.state()).isEqualTo(State.OPEN);
        assertThat(circuit.limit()).isZero();
        assertThat(circuit.degree()).isEqualTo(1);
        assertThat(circuit.openSince()).isNotNull();
    }

    @Test
    void doesNotJudgeByTooFew() {
        tell(circuit, UNREACHABLE, 9);
        assertThat(circuit.state()).isEqualTo(State.CLOSED);
    }

    @Test
    void neverOpensByRejectionsOrByWhatSaysNothingAboutTheDestination() {
        tell(circuit, REJECTED, 1000);
        tell(circuit, FAILED, 1000);
        assertThat(circuit.state()).isEqualTo(State.CLOSED);
        // Neither is the second a success.
        tell(circuit, UNREACHABLE, 7);
        assertThat(circuit.state()).isEqualTo(State.OPEN);
    }

    @Test
    void triesOneEventAfterAWhileAndClosesBySuccess() {
        open();
        pass(Duration.ofMillis(9999));
        assertThat(circuit.state()).isEqualTo(State.OPEN);
        pass(Duration.ofMillis(1));
        assertThat(circuit.state()).isEqualTo(State.HALF_OPEN);
        assertThat(circuit.limit()).isEqualTo(1);
        assertThat(circuit.degree()).isEqualTo(0.5);
        tell(circuit, FAILED, 1);
        assertThat(circuit.state()).isEqualTo(State.HALF_OPEN);
        tell(circuit, TAKEN, 1);
        assertThat(circuit.state()).isEqualTo(State.CLOSED);
        assertThat(circuit.openSince()).isNull();
        // Judges anew, not by what was before.
        tell(circuit, UNREACHABLE, 9);
        assertThat(circuit.state()).isEqualTo(State.CLOSED);
    }

    @Test
    void leavesTheDestinationAloneForLongerEachTimeItFailsAgain() {
        open();
        for (int seconds : List.of(10, 20, 40, 60, 60)) {
            pass(Duration.ofSeconds(seconds).minusMillis(1));
            assertThat(circuit.state()).isEqualTo(State.OPEN);
            pass(Duration.ofMillis(1));
            assertThat(circuit.state()).isEqualTo(State.HALF_OPEN);
            tell(circuit, UNREACHABLE, 1);
        }
    }

    @Test
    void isNotJudgedByDeliveriesThatBeganBefore() {
        long before = circuit.phase();
        open();
        pass(Duration.ofSeconds(10));
        circuit.tell(TAKEN, before);
        circuit.tell(UNREACHABLE, before);
        assertThat(circuit.state()).isEqualTo(State.HALF_OPEN);
    }

    @Test
    void getsToFullSpeedStepByStepAfterItCloses() {
        assertThat(circuit.share()).isEqualTo(1);
        open();
        pass(Duration.ofSeconds(10));
        assertThat(circuit.share()).isZero();
        tell(circuit, TAKEN, 1);
        assertThat(circuit.limit()).isEqualTo(1);
        pass(Duration.ofSeconds(5));
        assertThat(circuit.share()).isEqualTo(0.5);
        assertThat(circuit.limit()).isEqualTo(32);
        pass(Duration.ofSeconds(5));
        assertThat(circuit.limit()).isEqualTo(Integer.MAX_VALUE);
    }

    @Test
    void getsToFullSpeedAtOnceWithoutARamp() {
        Circuit steep = circuit("one", "breaker.ramp=0s");
        tell(steep, UNREACHABLE, 10);
        nanos.addAndGet(Duration.ofSeconds(10).toNanos());
        steep.tick();
        tell(steep, TAKEN, 1);
        assertThat(steep.limit()).isEqualTo(Integer.MAX_VALUE);
    }

    @Test
    void staysClosedWhenNotEnabled() {
        Circuit off = circuit("one", "breaker.enabled=false");
        tell(off, UNREACHABLE, 1000);
        assertThat(off.limit()).isEqualTo(Integer.MAX_VALUE);
        assertThat(off.meet(new OpenCircuit(Instant.EPOCH, "other", 1), 1)).isNull();
        assertThat(off.limit()).isEqualTo(Integer.MAX_VALUE);
    }

    /** Shares what one has to say with another, as if it had been stored. */
    private OpenCircuit share(Circuit from) {
        News news = requireNonNull(from.meet(null, revision));
        revision++;
        from.told(news);
        return requireNonNull(news.circuit());
    }

    @Test
    void followsAnotherProcessUntilThatSaysItIsClosed() {
        open();
        assertThat(circuit.hasNews()).isTrue();
        OpenCircuit shared = share(circuit);
        assertThat(circuit.hasNews()).isFalse();
        assertThat(circuit.meet(shared, revision)).isNull();
        Circuit other = circuit("other");
        assertThat(other.meet(shared, revision)).isNull();
        assertThat(other.state()).isEqualTo(State.ELSEWHERE);
        assertThat(other.limit()).isZero();
        nanos.addAndGet(Duration.ofSeconds(9).toNanos());
        other.tick();
        assertThat(other.meet(shared, revision)).isNull();
        assertThat(other.limit()).isZero();

        pass(Duration.ofSeconds(1));
        tell(circuit, TAKEN, 1);
        assertThat(circuit.hasNews()).isTrue();
        assertThat(circuit.meet(shared, revision)).isEqualTo(new News(null));
        circuit.told(new News(null));
        assertThat(other.meet(null, revision + 1)).isNull();
        assertThat(other.state()).isEqualTo(State.CLOSED);
        assertThat(other.limit()).as("ramps, too").isEqualTo(1);
    }

    @Test
    void keepsSayingThatItIsThere() {
        open();
        OpenCircuit shared = share(circuit);
        pass(Duration.ofSeconds(2));
        assertThat(circuit.meet(shared, revision)).isNull();
        pass(Duration.ofSeconds(1));
        assertThat(circuit.meet(shared, revision)).isEqualTo(new News(shared));
    }

    @Test
    void takesOverFromOneThatHasFallenSilent() {
        open();
        OpenCircuit shared = share(circuit);
        Circuit other = circuit("other");
        assertThat(other.meet(shared, 1)).isNull();
        nanos.addAndGet(Duration.ofSeconds(9).toNanos());
        // A sign of life: another revision.
        assertThat(other.meet(shared, 2)).isNull();
        nanos.addAndGet(Duration.ofSeconds(9).toNanos());
        assertThat(other.meet(shared, 2)).isNull();
        nanos.addAndGet(Duration.ofSeconds(1).toNanos());
        News news = requireNonNull(other.meet(shared, 2));
        assertThat(requireNonNull(news.circuit()).owner()).isEqualTo("other");
        assertThat(other.limit()).as("not before it is stored").isZero();
        other.told(news);
        assertThat(other.state()).isEqualTo(State.HALF_OPEN);
        // The first one comes back, and finds another in its place.
        assertThat(circuit.meet(news.circuit(), 3)).isNull();
        assertThat(circuit.state()).isEqualTo(State.ELSEWHERE);
    }

    @Test
    void theFirstToSayItOwnsIt() {
        open();
        Circuit other = circuit("other");
        tell(other, UNREACHABLE, 10);
        OpenCircuit shared = share(circuit);
        assertThat(other.meet(shared, revision)).isNull();
        assertThat(other.state()).isEqualTo(State.ELSEWHERE);
    }

    @Test
    void closesWhenSomebodyRemovesWhatIsShared() {
        open();
        var _ = share(circuit);
        assertThat(circuit.meet(null, 0)).isNull();
        assertThat(circuit.state()).isEqualTo(State.CLOSED);
    }

    @Test
    void refusesSettingsThatMakeNoSense() {
        assertThatThrownBy(() -> circuit("one", "breaker.minimum=11"))
                .hasRootCauseMessage("minimum: must be between 1 and breaker.window (10), is 11");
        assertThatThrownBy(() -> circuit("one", "breaker.failure-rate=0"))
                .hasRootCauseMessage("failure-rate: must be between 1 and 100, is 0");
        assertThatThrownBy(() -> circuit("one", "breaker.longest=1s"))
                .hasRootCauseMessage("longest: must be between breaker.open-for (10000ms) and 1d, is 1000ms");
    }
}
