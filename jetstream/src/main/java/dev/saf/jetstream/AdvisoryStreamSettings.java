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
 * {@code saf.streams.advisories.*}: the stream that keeps what nats-server reports of deliveries it has given up, which
 * no consumer of Saf's lets it do.
 *
 * @param description for those who look at the stream
 * @param storage {@code file} or {@code memory}; null for as the events
 * @param replicas on how many servers each report is kept, 1 to 5; null for as the events
 * @param compression {@code none} or {@code s2}
 * @param placement where in a super-cluster the stream lives; empty for as the events
 * @param metadata free key-value pairs kept with the stream
 * @param maxAge after which reports are dropped; 0s for never
 */
public record AdvisoryStreamSettings(
        @Nullable String description,
        @Nullable Storage storage,
        @Nullable Integer replicas,
        @DefaultValue("none") Compression compression,
        @DefaultValue Placement placement,
        @DefaultValue Map<String, String> metadata,
        @DefaultValue("30d") Duration maxAge)
        implements WorkingStreamSettings {

    private static final long MOST = 100_000;

    /** The server's own default; advisories have no ids. */
    private static final Duration WINDOW = Duration.ofMinutes(2);

    /**
     * Checks each value.
     *
     * @throws IllegalArgumentException if one is impossible
     */
    public AdvisoryStreamSettings {
        metadata = Map.copyOf(metadata);
        WorkingStreamSettings.checkReplicas(replicas);
        if (maxAge.compareTo(WINDOW) < 0 && !maxAge.isZero()) {
            throw new IllegalArgumentException("max-age: must be at least 2m, or 0s for ever, is " + maxAge);
        }
    }

    @Override
    public String name() {
        return Streams.ADVISORIES;
    }

    @Override
    public StreamConfiguration configuration(EventStreamSettings events) {
        return complete(
                StreamConfiguration.builder()
                        .subjects(
                                "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>",
                                "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>")
                        .retentionPolicy(RetentionPolicy.Limits)
                        .discardPolicy(DiscardPolicy.Old)
                        .maxAge(maxAge)
                        .duplicateWindow(WINDOW)
                        .maxMessages(MOST),
                events);
    }
}
