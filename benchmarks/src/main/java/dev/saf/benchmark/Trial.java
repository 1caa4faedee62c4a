package dev.saf.benchmark;

import dev.saf.natsserver.NatsServer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One measurement over a short time.
 *
 * @param serviceMicros processor time of the measured process per event
 * @param natsMicros processor time of nats-server per event
 */
record Trial(Load.Result load, double serviceMicros, double natsMicros) {

    /** Something that can be measured again and again. */
    @FunctionalInterface
    interface Contender {

        Load.Result run(Duration duration) throws IOException;
    }

    /** Measures a contender whose work is done by a child JVM. */
    static Trial of(Contender contender, ChildJvm service, NatsServer nats, Duration duration) throws IOException {
        double serviceBefore = cpuMicros(service.pid());
        double natsBefore = cpuMicros(nats.pid());
        Load.Result result = contender.run(duration);
        double events = result.perSecond() * duration.toMillis() / 1_000.0;
        return new Trial(
                result,
                (cpuMicros(service.pid()) - serviceBefore) / events,
                (cpuMicros(nats.pid()) - natsBefore) / events);
    }

    private static double cpuMicros(long pid) {
        return ProcessHandle.of(pid)
                .flatMap(process -> process.info().totalCpuDuration())
                .map(time -> time.toNanos() / 1e3)
                .orElse(Double.NaN);
    }

    /** One after the other, in rounds, so that a slow moment of the machine hits them all. */
    interface Measured {

        Trial trial() throws IOException;
    }

    /** The median trial of each. */
    static Map<String, Trial> alternate(int rounds, Map<String, Measured> contenders) throws IOException {
        Map<String, List<Trial>> all = new LinkedHashMap<>();
        for (int i = 0; i < rounds; i++) {
            for (var contender : contenders.entrySet()) {
                all.computeIfAbsent(contender.getKey(), _ -> new ArrayList<>())
                        .add(contender.getValue().trial());
            }
        }
        Map<String, Trial> medians = new LinkedHashMap<>();
        all.forEach((name, trials) -> {
            Trial median = trials.stream()
                    .sorted(Comparator.comparingDouble(Trial::perSecond))
                    .toList()
                    .get(trials.size() / 2);
            median.print(name);
            medians.put(name, median);
        });
        return medians;
    }

    double perSecond() {
        return load.perSecond();
    }

    private void print(String name) {
        System.out.printf(
                Locale.ROOT,
                "%-42s %8.0f/s   p50 %6s ms   p99 %6s ms   cpu/event: service %5.1f us, nats-server %5.1f us%s%n",
                name,
                perSecond(),
                millis(load.p50Millis()),
                millis(load.p99Millis()),
                serviceMicros,
                natsMicros,
                load.others() == 0 ? "" : "   other answers: " + load.others());
    }

    private static String millis(double value) {
        return Double.isNaN(value) ? "-" : "%.2f".formatted(value);
    }
}
