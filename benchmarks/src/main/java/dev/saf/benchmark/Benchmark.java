package dev.saf.benchmark;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** Measures everything, side by side, on this machine. */
final class Benchmark {

    /**
     * How long, and how often.
     *
     * @param warm how long each path is warmed up
     * @param trial how long one trial is
     * @param trials of which the median counts
     * @param restarts of nats-server
     * @param jvm options of the JVMs that are measured
     */
    record Plan(Duration warm, Duration trial, int trials, int restarts, String jvm) {}

    private Benchmark() {}

    public static void main(String[] args) throws IOException {
        Plan plan = new Plan(
                Duration.ofSeconds(Integer.getInteger("benchmark.warm", 20)),
                Duration.ofSeconds(Integer.getInteger("benchmark.trial", 3)),
                Integer.getInteger("benchmark.trials", 5),
                Integer.getInteger("benchmark.restarts", 5),
                System.getProperty("benchmark.jvm", "-Xmx512m -XX:+UseParallelGC"));
        List<String> parts = List.of(System.getProperty("benchmark.parts", "producer,consumer,failing,restart")
                .split(",", -1));
        System.out.printf(
                Locale.ROOT,
                "%d processors, Java %s, %s; medians of %d alternating trials of %d s after %d s of warm-up%n",
                Runtime.getRuntime().availableProcessors(),
                Runtime.version(),
                plan.jvm(),
                plan.trials(),
                plan.trial().toSeconds(),
                plan.warm().toSeconds());
        if (parts.contains("producer")) {
            ProducerBenchmark.run(plan);
        }
        if (parts.contains("consumer")) {
            ConsumerBenchmark.run(plan);
        }
        if (parts.contains("failing")) {
            ConsumerBenchmark.runFailing(plan);
        }
        if (parts.contains("restart")) {
            RestartBenchmark.run(plan);
        }
    }

    static void head(String title) {
        System.out.printf("%n%s%n", title);
    }

    /** Prints how one rate compares with another. */
    static void ratio(String what, double rate, double base, int goalPercent) {
        double percent = 100 * rate / base;
        System.out.printf(
                Locale.ROOT,
                "  = %.0f %% of %s%s%n",
                percent,
                what,
                goalPercent == 0
                        ? ""
                        : " (goal: at least " + goalPercent + " %" + (percent < goalPercent ? ", missed)" : ")"));
    }
}
