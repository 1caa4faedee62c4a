package dev.saf.consumer.delivery;

import dev.saf.consumer.ledger.Reason;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** What can be counted about one channel; every meter has the tag {@code channel}. */
final class ChannelMetrics {

    /** Few: each is a series for each channel of each process. */
    private static final Duration[] DELIVERY_BUCKETS = {
        Duration.ofMillis(5),
        Duration.ofMillis(25),
        Duration.ofMillis(100),
        Duration.ofMillis(500),
        Duration.ofSeconds(2),
        Duration.ofSeconds(10),
        Duration.ofSeconds(30)
    };

    private static final Duration[] AGE_BUCKETS = {
        Duration.ofMillis(10),
        Duration.ofMillis(50),
        Duration.ofMillis(250),
        Duration.ofSeconds(1),
        Duration.ofSeconds(5),
        Duration.ofSeconds(30),
        Duration.ofMinutes(5),
        Duration.ofHours(1)
    };

    final Counter delivered;
    final Counter failed;
    final Counter retried;
    final Counter parked;
    final Counter parkedBehind;
    final Counter parkingFailures;
    final Counter deadLetterFailures;
    final Counter dropped;
    final Counter filtered;
    final Counter duplicatesSuppressed;
    final Counter acksUnconfirmed;
    final Counter stalls;
    final Counter lapsed;
    final Counter trials;
    final Timer delivery;
    final Timer age;

    private final MeterRegistry registry;
    private final String channel;
    private final Map<Reason, Counter> deadLettered = new EnumMap<>(Reason.class);

    ChannelMetrics(MeterRegistry registry, String channel) {
        this.registry = registry;
        this.channel = channel;
        delivered = counter("saf.channel.delivered", "Events the destination took");
        failed = counter("saf.channel.failed", "Attempts that failed, rejections included");
        retried = counter("saf.channel.retried", "Failed attempts that are followed by another one");
        parked = counter("saf.channel.parked", "Failed attempts after which the event waits on the stream later");
        parkedBehind = counter(
                "saf.channel.parked.behind", "Events that wait on the stream later because one before them does");
        parkingFailures = counter("saf.channel.parking.failures", "Events that could not be parked, and stayed");
        deadLetterFailures = counter("saf.channel.dead.letter.failures", "Dead letters that could not be stored yet");
        dropped = counter("saf.channel.dropped", "Events of which nothing is kept, with delivery: at-most-once");
        filtered = counter("saf.channel.filtered", "Events that the channel's filter does not want");
        duplicatesSuppressed =
                counter("saf.channel.duplicates.suppressed", "Delivered events that came again and were not offered");
        acksUnconfirmed = counter("saf.channel.acks.unconfirmed", "Acknowledgements that had to be sent again");
        stalls = counter("saf.channel.stalls", "Subscriptions made anew because nothing came though events wait");
        lapsed = counter(
                "saf.channel.lapsed",
                "Events not begun because their ack wait was over, so that another process may have them");
        trials = counter("saf.channel.trials", "Events delivered alone, suspected of killing the process");
        delivery = Timer.builder("saf.channel.delivery")
                .description("How long the channel took, whether it failed or not")
                .tag("channel", channel)
                .serviceLevelObjectives(DELIVERY_BUCKETS)
                .register(registry);
        age = Timer.builder("saf.channel.event.age")
                .description("From an event being stored to it being delivered")
                .tag("channel", channel)
                .serviceLevelObjectives(AGE_BUCKETS)
                .register(registry);
        for (Reason reason : Reason.values()) {
            deadLettered.put(
                    reason,
                    Counter.builder("saf.channel.dead.lettered")
                            .description("Events that became dead letters")
                            .tag("channel", channel)
                            .tag("reason", reason.tag())
                            .register(registry));
        }
    }

    Counter deadLettered(Reason reason) {
        return deadLettered.getOrDefault(reason, failed);
    }

    <T> void gauge(String name, String description, T source, ToDoubleFunction<T> value) {
        Gauge.builder(name, source, value)
                .description(description)
                .tag("channel", channel)
                .register(registry);
    }

    private Counter counter(String name, String description) {
        return Counter.builder(name)
                .description(description)
                .tag("channel", channel)
                .register(registry);
    }
}
