package dev.saf.jetstream;

import dev.saf.jetstream.StreamSettings.Compression;
import dev.saf.jetstream.StreamSettings.Placement;
import dev.saf.jetstream.StreamSettings.Storage;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.RetentionPolicy;
import io.nats.client.api.StreamConfiguration;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * {@code saf.streams.later.*}: the stream that keeps retries until they are due. It has no limits, because nats-server
 * holds schedules only in a stream that drops its oldest messages at a limit; {@code max-parked} is kept by whoever
 * parks.
 *
 * @param description for those who look at the stream
 * @param storage {@code file}, or {@code memory} with at least three replicas; null for as the events
 * @param replicas on how many servers each retry is kept, 1 to 5; null for as the events
 * @param compression {@code none} or {@code s2}
 * @param placement where in a super-cluster the stream lives; empty for as the events
 * @param metadata free key-value pairs kept with the stream
 * @param maxParked the most retries that may be parked; what fails beyond is retried from where it is
 */
public record LaterStreamSettings(
        @Nullable String description,
        @Nullable Storage storage,
        @Nullable Integer replicas,
        @DefaultValue("none") Compression compression,
        @DefaultValue Placement placement,
        @DefaultValue Map<String, String> metadata,
        @DefaultValue("1000000") long maxParked)
        implements WorkingStreamSettings {

    /**
     * Checks each value.
     *
     * @throws IllegalArgumentException if one is impossible
     */
    public LaterStreamSettings {
        metadata = Map.copyOf(metadata);
        WorkingStreamSettings.checkReplicas(replicas);
        if (maxParked < 1) {
            throw new IllegalArgumentException("max-parked: must be at least 1, is " + maxParked);
        }
    }

    @Override
    public String name() {
        return Streams.LATER;
    }

    @Override
    public StreamConfiguration configuration(EventStreamSettings events) {
        return complete(
                StreamConfiguration.builder()
                        .subjects(name() + ".>")
                        .retentionPolicy(RetentionPolicy.Limits)
                        .discardPolicy(DiscardPolicy.Old)
                        .duplicateWindow(Duration.ofMinutes(10))
                        .allowMessageSchedules()
                        .allowMessageTtl()
                        // Switched on by the server in any case, as a new schedule takes the place of the one before.
                        .allowRollup(true)
                        .allowDirect(true),
                events);
    }
}
