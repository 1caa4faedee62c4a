package dev.saf.consumer.delivery;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Simulates the logic of delivery, with anything going wrong at any step. What fails is told with its seed; to see what
 * happened, set the system property {@code saf.simulation.seed}.
 */
class SimulationTest {

    private static final int HISTORIES = 20_000;
    private static final int ENOUGH_FOR_A_MUTANT = 5_000;
    private static final long FIRST = Long.getLong("saf.simulation.seed", 1);

    @Test
    void nothingIsLostOrAcknowledgedEarlyAndEveryEventEndsWhateverGoesWrong() {
        if (System.getProperty("saf.simulation.seed") != null) {
            assertThat(History.violations(FIRST, History.Variation.RIGHT, System.out::println))
                    .isEmpty();
            return;
        }
        long begun = System.nanoTime();
        for (long seed = FIRST; seed < FIRST + HISTORIES; seed++) {
            List<String> violations = History.violations(seed, History.Variation.RIGHT, null);
            assertThat(violations)
                    .as("history of seed %d; -Dsaf.simulation.seed=%d tells it", seed, seed)
                    .isEmpty();
        }
        System.out.printf(
                "%d histories in %d ms%n",
                HISTORIES, Duration.ofNanos(System.nanoTime() - begun).toMillis());
    }

    @Test
    void aHistoryHappensAgainFromItsSeed() {
        for (long seed = 1; seed <= 20; seed++) {
            StringBuilder once = new StringBuilder();
            StringBuilder again = new StringBuilder();
            var _ = History.violations(seed, History.Variation.RIGHT, once::append);
            var _ = History.violations(seed, History.Variation.RIGHT, again::append);
            assertThat(again.toString()).isEqualTo(once.toString()).isNotEmpty();
        }
    }

    static Set<String> mutants() {
        return Mutants.all().keySet();
    }

    @ParameterizedTest
    @MethodSource("mutants")
    void findsTheBug(String mutant) {
        History.Variation variation = requireNonNull(Mutants.all().get(mutant));
        for (long seed = FIRST; seed < FIRST + ENOUGH_FOR_A_MUTANT; seed++) {
            List<String> violations = History.violations(seed, variation, null);
            if (!violations.isEmpty()) {
                System.out.printf("%s: seed %d, %s%n", mutant, seed, violations.getFirst());
                return;
            }
        }
        assertThat(mutant)
                .as("nobody noticed in %d histories", ENOUGH_FOR_A_MUTANT)
                .isNull();
    }
}
