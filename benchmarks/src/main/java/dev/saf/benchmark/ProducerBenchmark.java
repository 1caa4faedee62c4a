package dev.saf.benchmark;

import dev.saf.natsserver.NatsServer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * {@code POST /api/event} against the same server answering a static 202 from a plain controller to the same request.
 */
final class ProducerBenchmark {

    private static final int PAYLOAD = 256;

    /**
     * One trial.
     *
     * @param serviceMicros processor time of the service per answer
     * @param natsMicros processor time of nats-server per answer
     */
    record Trial(Load.Result load, double serviceMicros, double natsMicros) {}

    private ProducerBenchmark() {}

    public static void main(String[] args) throws IOException {
        Duration warm = Duration.ofSeconds(Integer.getInteger("warm", 20));
        Duration trial = Duration.ofSeconds(Integer.getInteger("trial", 4));
        int trials = Integer.getInteger("trials", 5);
        try (NatsServer nats = NatsServer.start();
                ChildJvm service = new ChildJvm(
                        ProducerUnderTest.class,
                        List.of(System.getProperty("service.options", "-Xmx512m -XX:+UseParallelGC")
                                .split(" ", -1)),
                        List.of(
                                "--server.port=0",
                                "--server.address=127.0.0.1",
                                "--management.server.port=0",
                                "--saf.nats.servers=" + nats.url(),
                                "--saf.streams.events.max-bytes=20GB",
                                "--management.tracing.sampling.probability=0.1"))) {
            for (String path : List.of("/static", "/api/event")) {
                var result = new Load(service.port(), path, 64, PAYLOAD).run(warm);
                System.out.printf(
                        Locale.ROOT, "warm %s %.0f/s, %d others%n", path, result.perSecond(), result.others());
            }
            for (int connections : List.of(64, 256)) {
                List<Trial> fixed = new ArrayList<>();
                List<Trial> events = new ArrayList<>();
                for (int i = 0; i < trials; i++) {
                    fixed.add(trial(service, nats, "/static", connections, trial));
                    events.add(trial(service, nats, "/api/event", connections, trial));
                }
                Trial a = median(fixed);
                Trial b = median(events);
                print("static 202", connections, a);
                print("POST /api/event", connections, b);
                System.out.printf(
                        Locale.ROOT,
                        "%d connections: throughput %.0f %% of static, p99 %.1f x%n",
                        connections,
                        100 * b.load().perSecond() / a.load().perSecond(),
                        b.load().p99Millis() / a.load().p99Millis());
            }
        }
    }

    private static Trial trial(ChildJvm service, NatsServer nats, String path, int connections, Duration duration)
            throws IOException {
        double serviceBefore = ChildJvm.cpuSeconds(service.pid());
        double natsBefore = ChildJvm.cpuSeconds(nats.pid());
        Load.Result result = new Load(service.port(), path, connections, PAYLOAD).run(duration);
        double answers = result.perSecond() * duration.toMillis() / 1_000.0;
        return new Trial(
                result,
                1e6 * (ChildJvm.cpuSeconds(service.pid()) - serviceBefore) / answers,
                1e6 * (ChildJvm.cpuSeconds(nats.pid()) - natsBefore) / answers);
    }

    private static Trial median(List<Trial> trials) {
        return trials.stream()
                .sorted(Comparator.comparingDouble(trial -> trial.load().perSecond()))
                .toList()
                .get(trials.size() / 2);
    }

    private static void print(String what, int connections, Trial trial) {
        System.out.printf(
                Locale.ROOT,
                "%-16s c=%-4d %8.0f/s  p50 %6.2f ms  p99 %7.2f ms  service %5.1f us  nats %5.1f us  others %d%n",
                what,
                connections,
                trial.load().perSecond(),
                trial.load().p50Millis(),
                trial.load().p99Millis(),
                trial.serviceMicros(),
                trial.natsMicros(),
                trial.load().others());
    }
}
