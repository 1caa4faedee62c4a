package dev.saf.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.benchmark.Benchmark.Plan;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** That the benchmarks measure something; what they measure is judged by nobody here. */
class BenchmarkIT {

    private static final Plan PLAN =
            new Plan(Duration.ofSeconds(1), Duration.ofSeconds(1), 1, 1, "-Xmx512m -XX:+UseParallelGC");

    @Test
    void measuresTheProducer() throws IOException {
        assertThat(ProducerBenchmark.run(PLAN)).hasSize(7).allSatisfy(BenchmarkIT::hasOnlySuccesses);
    }

    @Test
    void measuresTheConsumer() throws IOException {
        assertThat(ConsumerBenchmark.run(PLAN)).hasSize(2).allSatisfy(BenchmarkIT::hasOnlySuccesses);
    }

    @Test
    void measuresTheConsumerWhileEventsFail() throws IOException {
        assertThat(ConsumerBenchmark.runFailing(PLAN)).hasSize(3).allSatisfy(BenchmarkIT::hasOnlySuccesses);
    }

    @Test
    void measuresARestart() throws IOException {
        assertThat(RestartBenchmark.run(PLAN)).hasSize(1);
    }

    private static void hasOnlySuccesses(String name, Trial trial) {
        assertThat(trial.perSecond()).as(name).isPositive();
        assertThat(trial.load().others()).as(name).isZero();
    }
}
