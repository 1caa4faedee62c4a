package dev.saf.producer;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** What the producer counts. By hand: an observation per request would cost as much as the rest of the request. */
final class ProducerMetrics {

    private final MeterRegistry registry;
    private final Counter accepted;
    private final Counter duplicates;
    private final Timer publish;
    private final Map<String, Counter> refused = new ConcurrentHashMap<>();

    ProducerMetrics(MeterRegistry registry) {
        this.registry = registry;
        this.accepted = Counter.builder("saf.producer.accepted")
                .description("events stored and acknowledged, answered 202")
                .register(registry);
        this.duplicates = Counter.builder("saf.producer.duplicates")
                .description("accepted events the stream had already")
                .register(registry);
        this.publish = Timer.builder("saf.producer.publish")
                .description("from a valid event to its acknowledgement or failure, retries included")
                .serviceLevelObjectives(
                        Duration.ofMillis(1),
                        Duration.ofMillis(2),
                        Duration.ofMillis(5),
                        Duration.ofMillis(10),
                        Duration.ofMillis(25),
                        Duration.ofMillis(50),
                        Duration.ofMillis(100),
                        Duration.ofMillis(250),
                        Duration.ofSeconds(1),
                        Duration.ofSeconds(8))
                .register(registry);
    }

    void published(PublishResult result, long nanos) {
        publish.record(nanos, TimeUnit.NANOSECONDS);
        if (result instanceof PublishResult.Stored stored) {
            accepted.increment();
            if (stored.duplicate()) {
                duplicates.increment();
            }
        }
    }

    /** Counts a refusal by the kind of its problem. */
    void refused(String kind) {
        refused.computeIfAbsent(
                        kind,
                        reason -> Counter.builder("saf.producer.refused")
                                .description("requests answered with a problem, by its kind")
                                .tag("reason", reason)
                                .register(registry))
                .increment();
    }
}
