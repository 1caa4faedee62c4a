package dev.saf.jetstream;

import io.nats.client.api.CompressionOption;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.RetentionPolicy;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/** The attributes of a stream that keeps events, whole; the implementations differ in their defaults. */
public sealed interface StreamSettings permits EventStreamSettings, DeadLetterStreamSettings {

    /** Where messages are kept. */
    enum Storage {
        FILE,
        MEMORY
    }

    /** How messages are kept on disk. */
    enum Compression {
        NONE,
        S2
    }

    /** What makes the server drop messages. */
    enum Retention {
        LIMITS,
        INTEREST,
        WORKQUEUE
    }

    /** What gives way when the stream is full. */
    enum Discard {
        NEW,
        OLD
    }

    /** When the server confirms a message. */
    enum Persistence {
        DEFAULT,
        ASYNC
    }

    /**
     * Where in a super-cluster a stream lives.
     *
     * @param cluster its name, null for any
     * @param tags of servers, all of which must match
     */
    record Placement(@Nullable String cluster, @DefaultValue List<String> tags) {}

    /**
     * Copies of stored messages, as plain NATS messages.
     *
     * @param source the subjects to copy, such as {@code events.>}
     * @param destination where to; null for no copies
     * @param headersOnly whether the body is left out
     */
    record Republish(
            @DefaultValue(">") String source,
            @Nullable String destination,
            @DefaultValue("false") boolean headersOnly) {}

    /**
     * A change of subjects on the way into a stream.
     *
     * @param source the subjects to change
     * @param destination what to
     */
    record SubjectTransform(
            @Nullable String source, @Nullable String destination) {}

    String name();

    @Nullable
    String description();

    Storage storage();

    int replicas();

    Duration maxAge();

    @Nullable
    DataSize maxBytes();

    long maxMessages();

    long maxMessagesPerSubject();

    @Nullable
    DataSize maxMessageSize();

    long maxConsumers();

    Duration duplicateWindow();

    Compression compression();

    Placement placement();

    Republish republish();

    boolean allowDirect();

    boolean allowAtomic();

    boolean denyDelete();

    boolean denyPurge();

    Map<String, String> metadata();

    DataSize defaultMaxBytes();

    /** All subjects of the stream: its name and any tokens after it. */
    default String subjects() {
        return name() + ".>";
    }

    /** The stream as it is to be created. */
    default StreamConfiguration configuration() {
        DataSize size = maxMessageSize();
        DataSize bytes = maxBytes();
        StreamConfiguration.Builder stream = StreamConfiguration.builder()
                .name(name())
                .description(description())
                .subjects(subjects())
                .storageType(storage() == Storage.FILE ? StorageType.File : StorageType.Memory)
                .retentionPolicy(RetentionPolicy.Limits)
                .discardPolicy(DiscardPolicy.New)
                .discardNewPerSubject(maxMessagesPerSubject() > 0)
                .replicas(replicas())
                .maxAge(maxAge())
                .maxBytes((bytes == null ? defaultMaxBytes() : bytes).toBytes())
                .maxMessages(maxMessages())
                .maxMessagesPerSubject(maxMessagesPerSubject())
                .maximumMessageSize(size == null ? -1 : (int) size.toBytes())
                .maxConsumers(maxConsumers())
                .duplicateWindow(duplicateWindow())
                .compressionOption(compression() == Compression.S2 ? CompressionOption.S2 : CompressionOption.None)
                .allowDirect(allowDirect())
                .allowAtomicPublish(allowAtomic())
                .denyDelete(denyDelete())
                .denyPurge(denyPurge());
        if (!metadata().isEmpty()) {
            stream.metadata(metadata());
        }
        if (placement().cluster() != null || !placement().tags().isEmpty()) {
            stream.placement(new io.nats.client.api.Placement(
                    placement().cluster(), placement().tags()));
        }
        String destination = republish().destination();
        if (destination != null) {
            stream.republish(new io.nats.client.api.Republish(
                    republish().source(), destination, republish().headersOnly()));
        }
        return stream.build();
    }

    /** Refuses impossible values, and combinations in which acknowledged messages would be lost. */
    static void check(
            String content,
            int replicas,
            Storage storage,
            Duration maxAge,
            @Nullable DataSize maxBytes,
            Duration duplicateWindow) {
        checkReplicas(replicas);
        if (storage == Storage.MEMORY && replicas < 3) {
            throw new IllegalArgumentException("storage: memory needs at least 3 replicas, else one restart of"
                    + " nats-server loses acknowledged " + content + "; use file");
        }
        if (maxAge.isNegative()) {
            throw new IllegalArgumentException("max-age: must not be negative; 0s keeps " + content + " for ever");
        }
        if (replicas > 1 && maxBytes == null) {
            throw new IllegalArgumentException(
                    "max-bytes: must be set where replicas is more than 1, because without it the disk is the limit,"
                            + " and a full disk stops nats-server; set it to what the disks can hold");
        }
        if (maxBytes != null && maxBytes.toBytes() < 1) {
            throw new IllegalArgumentException("max-bytes: must be more than zero, a stream without it fills the disk");
        }
        if (duplicateWindow.compareTo(Duration.ofSeconds(1)) < 0) {
            throw new IllegalArgumentException(
                    "duplicate-window: must be at least 1s, or repeats of a publish would be stored twice");
        }
        if (maxAge.isPositive() && duplicateWindow.compareTo(maxAge) > 0) {
            throw new IllegalArgumentException(
                    "duplicate-window: must not be longer than max-age, for what has been dropped is not recognised");
        }
    }

    /** Refuses an impossible number of replicas. */
    static void checkReplicas(int replicas) {
        if (replicas < 1 || replicas > 5) {
            throw new IllegalArgumentException("replicas: must be 1 to 5, is " + replicas);
        }
    }

    /** Refuses limits of none. */
    static void checkLimits(long maxMessages, long maxMessagesPerSubject, long maxConsumers) {
        checkLimit("max-messages", maxMessages);
        checkLimit("max-messages-per-subject", maxMessagesPerSubject);
        checkLimit("max-consumers", maxConsumers);
    }

    /** Refuses ways of keeping messages that lose some of them, each with the reason. */
    static void refuse(
            Retention retention, Discard discard, Persistence persistence, boolean noAck, boolean allowRollup) {
        if (retention == Retention.INTEREST) {
            throw new IllegalArgumentException("retention: must be limits; with interest, nats-server confirms messages"
                    + " but keeps none while no consumer exists");
        }
        if (retention == Retention.WORKQUEUE) {
            throw new IllegalArgumentException("retention: must be limits; a work queue has room for one consumer per"
                    + " subject, and forgets the ids of what was taken, so that a repeat is stored again");
        }
        if (discard == Discard.OLD) {
            throw new IllegalArgumentException(
                    "discard: must be new; old drops the oldest messages without a word when the stream is full");
        }
        if (persistence == Persistence.ASYNC) {
            throw new IllegalArgumentException(
                    "persistence: must be default; async confirms messages before they are written");
        }
        if (noAck) {
            throw new IllegalArgumentException(
                    "no-ack: must be false, for only what is confirmed is known to be stored");
        }
        if (allowRollup) {
            throw new IllegalArgumentException("allow-rollup: must be false, else one header empties the stream");
        }
    }

    /** Refuses messages that come into the stream by other ways than publishing, or under other subjects. */
    static void refuseForeign(@Nullable String mirror, List<String> sources, SubjectTransform transform) {
        if (mirror != null) {
            throw new IllegalArgumentException("mirror: must not be set, nothing can be published to a mirror");
        }
        if (!sources.isEmpty()) {
            throw new IllegalArgumentException(
                    "sources: must not be set, for what comes from other streams is stored again when it repeats");
        }
        if (transform.source() != null || transform.destination() != null) {
            throw new IllegalArgumentException("subject-transform: must not be set, for under another subject a message"
                    + " does not reach its channels");
        }
    }

    private static void checkLimit(String key, long limit) {
        if (limit == 0 || limit < -1) {
            throw new IllegalArgumentException(key + ": must be more than zero, or -1 for no limit");
        }
    }
}
