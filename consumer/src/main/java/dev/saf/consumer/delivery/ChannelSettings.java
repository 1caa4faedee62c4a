package dev.saf.consumer.delivery;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * What every channel can be told, whatever its type.
 *
 * @param type what kind of channel this is; default: its name
 * @param subjects which events it gets: subjects of events, in which * stands for one token and a last > for one or
 *     more
 * @param concurrency how many deliveries may run at once in this process
 * @param timeout how long one delivery may take before it is interrupted and counts as failed
 * @param ackWait how long after the last sign of life of this process its unfinished events go to another one
 * @param retry what happens after a failure
 * @param breaker when to leave the destination alone
 * @param rate how many deliveries may begin in a second
 * @param filter which of these events it wants: a JSONata expression that is true for them
 * @param transform what it gets as their payload: a JSONata expression
 * @param artificialSleep how long to wait before each delivery, for experiments with load
 */
public record ChannelSettings(
        @Nullable String type,
        @DefaultValue(">") List<String> subjects,
        @DefaultValue("64") int concurrency,
        @DefaultValue("30s") Duration timeout,
        @DefaultValue("30s") Duration ackWait,
        @DefaultValue Retry retry,
        @DefaultValue Breaker breaker,
        @DefaultValue Rate rate,
        @Nullable String filter,
        @Nullable String transform,
        @DefaultValue("0s") Duration artificialSleep) {

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException as {@code key: what is wrong and what is allowed}
     */
    public ChannelSettings {
        subjects = List.copyOf(subjects);
        Subjects.check(subjects);
        if (concurrency < 1 || concurrency > 10_000) {
            throw new IllegalArgumentException("concurrency: must be between 1 and 10000, is " + concurrency);
        }
        var _ = Shape.of(filter, transform);
        require("timeout", timeout, Duration.ofMillis(10), Duration.ofHours(1));
        require("ack-wait", ackWait, Duration.ofSeconds(1), Duration.ofHours(1));
        require("artificial-sleep", artificialSleep, Duration.ZERO, Duration.ofHours(1));
        if (artificialSleep.compareTo(timeout) >= 0) {
            throw new IllegalArgumentException("artificial-sleep: must be shorter than timeout (" + timeout.toMillis()
                    + "ms), is " + artificialSleep.toMillis() + "ms");
        }
    }

    private static void require(String key, Duration value, Duration least, Duration most) {
        if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
            throw new IllegalArgumentException("%s: must be between %dms and %dms, is %dms"
                    .formatted(key, least.toMillis(), most.toMillis(), value.toMillis()));
        }
    }
}
