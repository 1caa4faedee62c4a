package dev.saf.jetstream;

import dev.saf.jetstream.StreamSettings.Compression;
import dev.saf.jetstream.StreamSettings.Placement;
import dev.saf.jetstream.StreamSettings.Storage;
import io.nats.client.api.CompressionOption;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The attributes of a stream that only Saf works with. Where and how often it is kept is as for the events, unless said
 * otherwise: what is left of an event's way is worth as much as the event.
 */
public sealed interface WorkingStreamSettings permits LaterStreamSettings, StateStreamSettings, AdvisoryStreamSettings {

    String name();

    @Nullable
    String description();

    /** Null for as the events. */
    @Nullable
    Storage storage();

    /** Null for as the events. */
    @Nullable
    Integer replicas();

    Compression compression();

    /** Empty for as the events. */
    Placement placement();

    Map<String, String> metadata();

    /** The stream as it is to be created. */
    StreamConfiguration configuration(EventStreamSettings events);

    /** How many copies there are. */
    default int replicas(EventStreamSettings events) {
        Integer replicas = replicas();
        return replicas == null ? events.replicas() : replicas;
    }

    /** Where the copies are kept. */
    default Storage storage(EventStreamSettings events) {
        Storage storage = storage();
        return storage == null ? events.storage() : storage;
    }

    /** Adds what these streams have in common. */
    default StreamConfiguration complete(StreamConfiguration.Builder stream, EventStreamSettings events) {
        Placement own = placement();
        Placement place = own.cluster() == null && own.tags().isEmpty() ? events.placement() : own;
        if (place.cluster() != null || !place.tags().isEmpty()) {
            stream.placement(new io.nats.client.api.Placement(place.cluster(), place.tags()));
        }
        if (!metadata().isEmpty()) {
            stream.metadata(metadata());
        }
        return stream.name(name())
                .description(description())
                .storageType(storage(events) == Storage.FILE ? StorageType.File : StorageType.Memory)
                .replicas(replicas(events))
                .compressionOption(compression() == Compression.S2 ? CompressionOption.S2 : CompressionOption.None)
                .build();
    }

    /** Refuses an impossible number of replicas. */
    static void checkReplicas(@Nullable Integer replicas) {
        if (replicas != null) {
            StreamSettings.checkReplicas(replicas);
        }
    }
}
