package dev.saf.consumer.operations;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/** Counts dead letters that were sent again. */
final class RedriveMetrics {

    private final MeterRegistry registry;

    RedriveMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    /** One of a channel. */
    void redriven(String channel) {
        Counter.builder("saf.channel.redriven")
                .description("Dead letters that this process has sent to their channel again")
                .tag("channel", channel)
                .register(registry)
                .increment();
    }
}
