package dev.saf.jetstream;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * {@code saf.streams.dead-letters.*}: the stream that keeps what no channel took. Creates the stream if it is missing;
 * one that exists is left as it is.
 *
 * @param description for those who look at the stream
 * @param storage {@code file}, or {@code memory} with at least three replicas
 * @param replicas on how many servers each dead letter is kept, 1 to 5
 * @param maxAge after which dead letters are dropped, delivered or not; 0s for never
 * @param maxBytes the most the stream may hold before it takes no more; 256MB for one replica, to be set for more
 * @param maxMessages the most dead letters the stream may hold before it takes no more; -1 for any number
 * @param maxMessagesPerSubject the same per subject
 * @param maxMessageSize the largest message with its headers; null for what the server allows
 * @param maxConsumers the most consumers the stream may have; -1 for any number
 * @param duplicateWindow how long a repeated id is recognised; costs the server about 250 bytes per id
 * @param compression {@code none} or {@code s2}
 * @param placement where in a super-cluster the stream lives
 * @param republish copies of what is stored, as plain NATS messages
 * @param allowDirect whether any replica may answer reads, not only the leader; answers may then be a little old
 * @param allowAtomic whether several messages may be stored all or none
 * @param denyDelete whether single messages can never be deleted; cannot be taken back
 * @param denyPurge whether the stream can never be purged; cannot be taken back
 * @param metadata free key-value pairs kept with the stream
 * @param retention must be {@code limits}
 * @param discard must be {@code new}
 * @param persistence must be {@code default}
 * @param noAck must be false
 * @param allowRollup must be false
 * @param mirror must not be set
 * @param sources must not be set
 * @param subjectTransform must not be set
 */
public record DeadLetterStreamSettings(
        @Nullable String description,
        @DefaultValue("file") Storage storage,
        @DefaultValue("1") int replicas,
        @DefaultValue("30d") Duration maxAge,
        @Nullable DataSize maxBytes,
        @DefaultValue("-1") long maxMessages,
        @DefaultValue("-1") long maxMessagesPerSubject,
        @Nullable DataSize maxMessageSize,
        @DefaultValue("-1") long maxConsumers,
        @DefaultValue("1h") Duration duplicateWindow,
        @DefaultValue("none") Compression compression,
        @DefaultValue Placement placement,
        @DefaultValue Republish republish,
        @DefaultValue("false") boolean allowDirect,
        @DefaultValue("false") boolean allowAtomic,
        @DefaultValue("false") boolean denyDelete,
        @DefaultValue("false") boolean denyPurge,
        @DefaultValue Map<String, String> metadata,
        @DefaultValue("limits") Retention retention,
        @DefaultValue("new") Discard discard,
        @DefaultValue("default") Persistence persistence,
        @DefaultValue("false") boolean noAck,
        @DefaultValue("false") boolean allowRollup,
        @Nullable String mirror,
        @DefaultValue List<String> sources,
        @DefaultValue SubjectTransform subjectTransform)
        implements StreamSettings {

    /**
     * Checks the values against each other.
     *
     * @throws IllegalArgumentException if a value, or a combination, is impossible or would break a promise
     */
    public DeadLetterStreamSettings {
        metadata = Map.copyOf(metadata);
        sources = List.copyOf(sources);
        StreamSettings.check("dead letters", replicas, storage, maxAge, maxBytes, duplicateWindow);
        StreamSettings.checkLimits(maxMessages, maxMessagesPerSubject, maxConsumers);
        StreamSettings.refuse(retention, discard, persistence, noAck, allowRollup);
        StreamSettings.refuseForeign(mirror, sources, subjectTransform);
    }

    @Override
    public String name() {
        return Streams.DEAD_LETTERS;
    }

    @Override
    public DataSize defaultMaxBytes() {
        return DataSize.ofMegabytes(256);
    }
}
