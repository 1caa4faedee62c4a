package dev.saf.benchmark;

import dev.saf.benchmark.Benchmark.Plan;
import dev.saf.natsserver.NatsServer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;

/** How long it takes until events are delivered again once a killed nats-server serves again. */
final class RestartBenchmark {

    private static final Duration POLL = Duration.ofMillis(2);

    private RestartBenchmark() {}

    /** The times in milliseconds, in ascending order. */
    static List<Double> run(Plan plan) throws IOException {
        Benchmark.head("Consumer: from the moment a restarted nats-server serves to the next delivery");
        try (NatsServer nats = NatsServer.start();
                ChildJvm service = ConsumerBenchmark.start(
                        plan, nats, "nothing", "--saf.channels.nothing.artificial-sleep=50ms")) {
            ConsumerBenchmark.fill(plan, nats, 2_000);
            var _ = service.ask(ConsumerUnderTest.OPEN);
            List<Double> times = new ArrayList<>();
            for (int i = 0; i < plan.restarts(); i++) {
                awaitMore(service, delivered(service));
                nats.kill();
                // What had begun may still end.
                LockSupport.parkNanos(Duration.ofMillis(200).toNanos());
                long before = delivered(service);
                nats.restart();
                long start = System.nanoTime();
                awaitMore(service, before);
                times.add((System.nanoTime() - start) / 1e6);
            }
            times.sort(null);
            System.out.printf(
                    Locale.ROOT,
                    "%d restarts: median %.0f ms, longest %.0f ms (goal: at most 1000)%n",
                    times.size(),
                    times.get(times.size() / 2),
                    times.getLast());
            return times;
        }
    }

    private static long delivered(ChildJvm service) {
        return Long.parseLong(service.ask(ConsumerUnderTest.DELIVERED));
    }

    private static void awaitMore(ChildJvm service, long before) {
        long end = System.nanoTime() + Duration.ofMinutes(1).toNanos();
        while (delivered(service) <= before) {
            if (System.nanoTime() - end > 0) {
                throw new IllegalStateException("nothing was delivered for a minute");
            }
            LockSupport.parkNanos(POLL.toNanos());
        }
    }
}
