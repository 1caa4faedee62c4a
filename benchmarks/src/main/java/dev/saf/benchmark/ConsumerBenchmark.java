package dev.saf.benchmark;

import dev.saf.benchmark.Benchmark.Plan;
import dev.saf.natsserver.NatsServer;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The consumer with a channel that does nothing against a plain loop that pulls and has each message confirmed. */
final class ConsumerBenchmark {

    private ConsumerBenchmark() {}

    /** The medians by what was measured. */
    static Map<String, Trial> run(Plan plan) throws IOException {
        Benchmark.head(
                "Consumer: each event to one channel that does nothing, acknowledged, the acknowledgement confirmed");
        try (NatsServer nats = NatsServer.start();
                ChildJvm service = start(plan, nats, "nothing")) {
            // Publishing is several times as fast as consuming, so this lasts.
            long warm = plan.warm().toMillis() / 2;
            fill(plan, nats, warm + plan.trials() * plan.trial().toMillis());
            try (ChildJvm plain = new ChildJvm(PlainConsumer.class, plan.jvm(), nats.url())) {
                var _ = service.ask(warm);
                var _ = plain.ask(warm);
                Map<String, Trial.Measured> contenders = new LinkedHashMap<>();
                contenders.put("plain pull loop", () -> trial(plan, nats, plain));
                contenders.put("consumer", () -> trial(plan, nats, service));
                Map<String, Trial> medians = Trial.alternate(plan.trials(), contenders);
                Benchmark.ratio(
                        "the plain loop", rate(medians.get("consumer")), rate(medians.get("plain pull loop")), 80);
                return medians;
            }
        }
    }

    /** How fast healthy events are delivered while others fail and are parked; the medians by what was measured. */
    static Map<String, Trial> runFailing(Plan plan) throws IOException {
        Benchmark.head("Consumer: healthy events, while others fail and are parked for an hour");
        try (NatsServer nats = NatsServer.start();
                ChildJvm none = start(plan, nats, "nothing");
                ChildJvm tenth = start(plan, nats, "tenth", failing("tenth", 10));
                ChildJvm half = start(plan, nats, "half", failing("half", 50))) {
            long warm = plan.warm().toMillis() / 2;
            fill(plan, nats, warm + plan.trials() * plan.trial().toMillis());
            Map<String, Trial.Measured> contenders = new LinkedHashMap<>();
            contenders.put("none fails", () -> trial(plan, nats, none));
            contenders.put("10 % fail and are parked", () -> trial(plan, nats, tenth));
            contenders.put("50 % fail and are parked", () -> trial(plan, nats, half));
            for (ChildJvm each : List.of(none, tenth, half)) {
                var _ = each.ask(warm);
            }
            Map<String, Trial> medians = Trial.alternate(plan.trials(), contenders);
            double base = rate(medians.get("none fails"));
            Benchmark.ratio(
                    "the rate without failures, with 10 %", rate(medians.get("10 % fail and are parked")), base, 0);
            Benchmark.ratio(
                    "the rate without failures, with 50 %", rate(medians.get("50 % fail and are parked")), base, 0);
            return medians;
        }
    }

    private static String[] failing(String channel, int percent) {
        String prefix = "--saf.channels." + channel;
        return new String[] {
            prefix + ".failing=" + percent, prefix + ".retry.park-after=0s", prefix + ".retry.schedule=1h"
        };
    }

    static ChildJvm start(Plan plan, NatsServer nats, String channel, String... more) throws IOException {
        Stream<String> arguments = Stream.of(
                "--server.port=0",
                "--management.server.port=0",
                "--saf.nats.servers=" + nats.url(),
                "--saf.streams.events.max-bytes=20GB",
                "--saf.channels." + channel + ".type=nothing",
                "--saf.channels." + channel + ".timeout=10m",
                "--saf.channels." + channel + ".concurrency=" + PlainConsumer.CONCURRENCY,
                "--management.tracing.sampling.probability=0.1");
        return new ChildJvm(
                ConsumerUnderTest.class,
                plan.jvm(),
                Stream.concat(arguments, Stream.of(more)).toArray(String[]::new));
    }

    /** Publishes for some milliseconds. */
    static void fill(Plan plan, NatsServer nats, long millis) throws IOException {
        try (ChildJvm publisher = new ChildJvm(PlainPublisher.class, plan.jvm(), nats.url())) {
            var _ = publisher.ask(millis);
        }
    }

    private static Trial trial(Plan plan, NatsServer nats, ChildJvm consumer) throws IOException {
        return Trial.of(
                duration -> Load.Result.ofRate(consumer.ask(duration.toMillis())), consumer, nats, plan.trial());
    }

    private static double rate(@Nullable Trial trial) {
        return trial == null ? Double.NaN : trial.perSecond();
    }
}
