package dev.saf.jetstream;

import dev.saf.jetstream.StreamSettings.Compression;
import dev.saf.jetstream.StreamSettings.Placement;
import dev.saf.jetstream.StreamSettings.Storage;
import io.nats.client.api.KeyValueConfiguration;
import io.nats.client.api.StreamConfiguration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * {@code saf.streams.state.*}: the stream behind the key-value bucket {@code saf}, which holds the few facts that all
 * processes share, such as which channel is paused.
 *
 * @param description for those who look at the stream
 * @param storage {@code file}, or {@code memory} with at least three replicas; null for as the events
 * @param replicas on how many servers each fact is kept, 1 to 5; null for as the events
 * @param compression {@code none} or {@code s2}
 * @param placement where in a super-cluster the stream lives; empty for as the events
 * @param metadata free key-value pairs kept with the stream
 */
public record StateStreamSettings(
        @Nullable String description,
        @Nullable Storage storage,
        @Nullable Integer replicas,
        @DefaultValue("none") Compression compression,
        @DefaultValue Placement placement,
        @DefaultValue Map<String, String> metadata)
        implements WorkingStreamSettings {

    private static final DataSize MOST = DataSize.ofMegabytes(64);

    /**
     * Checks each value.
     *
     * @throws IllegalArgumentException if one is impossible
     */
    public StateStreamSettings {
        metadata = Map.copyOf(metadata);
        WorkingStreamSettings.checkReplicas(replicas);
    }

    @Override
    public String name() {
        return Streams.STATE;
    }

    @Override
    public StreamConfiguration configuration(EventStreamSettings events) {
        return complete(
                StreamConfiguration.builder(KeyValueConfiguration.builder(Streams.BUCKET)
                        .maxHistoryPerKey(1)
                        .maxBucketSize(MOST.toBytes())
                        .build()
                        .getBackingConfig()),
                events);
    }
}
