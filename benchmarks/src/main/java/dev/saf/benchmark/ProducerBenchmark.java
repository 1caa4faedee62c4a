package dev.saf.benchmark;

import dev.saf.benchmark.Benchmark.Plan;
import dev.saf.natsserver.NatsServer;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * {@code POST /api/event} against the same server answering a static 202 from a plain controller to the same request,
 * and against a plain loop that publishes the same messages.
 */
final class ProducerBenchmark {

    /** Bytes of a request's body. */
    static final int BODY = 256;

    private static final String EVENT = "/api/event";
    private static final int FEW = 64;
    private static final int MANY = 256;

    private ProducerBenchmark() {}

    /** The medians by what was measured. */
    static Map<String, Trial> run(Plan plan) throws IOException {
        Benchmark.head("Producer: one event per request, 202 after JetStream's acknowledgement");
        try (NatsServer nats = NatsServer.start();
                ChildJvm service = new ChildJvm(
                        ProducerUnderTest.class,
                        plan.jvm(),
                        "--server.port=0",
                        "--server.address=127.0.0.1",
                        "--management.server.port=0",
                        "--saf.nats.servers=" + nats.url(),
                        "--saf.streams.events.max-bytes=20GB",
                        "--management.tracing.sampling.probability=0.1");
                ChildJvm publisher = new ChildJvm(PlainPublisher.class, plan.jvm(), nats.url())) {
            int port = Integer.parseInt(service.ready());
            for (String path : List.of(ProducerUnderTest.STATIC, ProducerUnderTest.UNOBSERVED, EVENT)) {
                for (int connections : List.of(FEW, MANY)) {
                    var _ = new Load(port, path, connections, BODY)
                            .run(plan.warm().dividedBy(2));
                }
            }
            var _ = publisher.ask(plan.warm().toMillis() / 4);

            Map<String, Trial> medians = new LinkedHashMap<>();
            for (int connections : List.of(FEW, MANY)) {
                medians.putAll(measure(plan, nats, service, port, publisher, connections));
            }
            return medians;
        }
    }

    private static Map<String, Trial> measure(
            Plan plan, NatsServer nats, ChildJvm service, int port, ChildJvm publisher, int connections)
            throws IOException {
        String suffix = ", " + connections + " connections";
        String fixed = "static 202" + suffix;
        String unobserved = "static 202, not observed" + suffix;
        String event = "POST " + EVENT + suffix;
        String publish = "pipelined publish, " + PlainPublisher.WINDOW + " in flight";

        Map<String, Trial.Measured> contenders = new LinkedHashMap<>();
        Map<String, String> paths = new LinkedHashMap<>();
        paths.put(fixed, ProducerUnderTest.STATIC);
        paths.put(unobserved, ProducerUnderTest.UNOBSERVED);
        paths.put(event, EVENT);
        paths.forEach((name, path) -> contenders.put(
                name,
                () -> Trial.of(
                        duration -> new Load(port, path, connections, BODY).run(duration),
                        service,
                        nats,
                        plan.trial())));
        contenders.put(
                publish,
                () -> Trial.of(
                        duration -> Load.Result.ofRate(publisher.ask(duration.toMillis())),
                        publisher,
                        nats,
                        plan.trial()));

        Map<String, Trial> medians = Trial.alternate(plan.trials(), contenders);
        Trial events = get(medians, event);
        Benchmark.ratio(
                "static 202", events.perSecond(), get(medians, fixed).perSecond(), connections == FEW ? 65 : 70);
        Benchmark.ratio(
                "static 202, not observed",
                events.perSecond(),
                get(medians, unobserved).perSecond(),
                0);
        Benchmark.ratio(
                "pipelined publish", events.perSecond(), get(medians, publish).perSecond(), 0);
        double tail = events.load().p99Millis() / get(medians, fixed).load().p99Millis();
        System.out.printf(
                Locale.ROOT, "  p99 %.1f x that of static 202 (goal: at most 2%s)%n", tail, tail > 2 ? ", missed" : "");
        return medians;
    }

    private static Trial get(Map<String, Trial> medians, String name) {
        Trial trial = medians.get(name);
        if (trial == null) {
            throw new IllegalStateException("not measured: " + name);
        }
        return trial;
    }
}
