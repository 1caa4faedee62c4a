package dev.saf.jetstream;

import io.nats.client.api.ConsumerLimits;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.PersistMode;
import io.nats.client.api.RetentionPolicy;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.BiPredicate;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a stream must be like. A stream that promises less than configured is unsafe: whoever means it, says so in the
 * configuration, too. Any other difference is worth a warning.
 */
final class StreamContract {

    /**
     * One attribute.
     *
     * @param breaks whether the second stream, the real one, promises less than the first, the configured one
     * @param harm what comes of that
     */
    private record Clause(
            String attribute,
            Function<StreamConfiguration, @Nullable Object> value,
            BiPredicate<StreamConfiguration, StreamConfiguration> breaks,
            String harm) {}

    private static final List<Clause> CLAUSES = List.of(
            // What breaks a promise whatever is configured.
            unsafe("no-ack", StreamConfiguration::getNoAck, s -> s.getNoAck(), "nothing published is ever confirmed"),
            unsafe(
                    "persistence",
                    s -> s.getPersistMode() == PersistMode.Async ? "async" : "default",
                    s -> s.getPersistMode() == PersistMode.Async,
                    "messages are confirmed before they are written"),
            unsafe(
                    "retention",
                    StreamConfiguration::getRetentionPolicy,
                    s -> s.getRetentionPolicy() != RetentionPolicy.Limits,
                    "messages are dropped before every channel has them, and repeated ids are not recognised"),
            unsafe(
                    "discard",
                    StreamConfiguration::getDiscardPolicy,
                    s -> s.getDiscardPolicy() != DiscardPolicy.New,
                    "a full stream drops its oldest messages without a word"),
            unsafe("sealed", StreamConfiguration::getSealed, s -> s.getSealed(), "it takes no more messages"),
            unsafe(
                    "mirror",
                    s -> s.getMirror() == null ? null : s.getMirror().getName(),
                    s -> s.getMirror() != null,
                    "nothing can be published to a mirror"),
            unsafe(
                    "sources",
                    s -> s.getSources() == null ? 0 : s.getSources().size(),
                    s -> s.getSources() != null && !s.getSources().isEmpty(),
                    "what comes from other streams is stored again when it repeats"),
            unsafe(
                    "subject-transform",
                    s -> s.getSubjectTransform() != null,
                    s -> s.getSubjectTransform() != null,
                    "messages are stored under subjects that nobody asks for"),
            unsafe(
                    "allow-rollup",
                    StreamConfiguration::getAllowRollup,
                    s -> s.getAllowRollup(),
                    "one header empties the stream"),
            unsafe(
                    "allow-counter",
                    StreamConfiguration::getAllowMessageCounter,
                    s -> s.getAllowMessageCounter(),
                    "it takes numbers only"),
            unsafe(
                    "consumer-limits.inactive-threshold",
                    s -> inactiveThreshold(s.getConsumerLimits()),
                    s -> !inactiveThreshold(s.getConsumerLimits()).isZero(),
                    "a consumer that pauses for so long is deleted, and forgets what it has delivered"),
            // What breaks a promise if it is less than configured.
            new Clause(
                    "subjects",
                    StreamConfiguration::getSubjects,
                    (asked, real) -> !real.getSubjects().containsAll(asked.getSubjects())
                            && !real.getSubjects().contains(">"),
                    "some messages have no place to go"),
            new Clause(
                    "storage",
                    StreamConfiguration::getStorageType,
                    (asked, real) ->
                            asked.getStorageType() == StorageType.File && real.getStorageType() == StorageType.Memory,
                    "a restart of nats-server loses what was acknowledged"),
            new Clause(
                    "replicas",
                    StreamConfiguration::getReplicas,
                    (asked, real) -> real.getReplicas() < asked.getReplicas(),
                    "fewer losses of servers are survived than configured"),
            new Clause(
                    "max-age",
                    StreamConfiguration::getMaxAge,
                    (asked, real) -> shorter(orZero(real.getMaxAge()), orZero(asked.getMaxAge())),
                    "what is not delivered yet is dropped sooner than configured"),
            new Clause(
                    "duplicate-window",
                    StreamConfiguration::getDuplicateWindow,
                    (asked, real) ->
                            orZero(real.getDuplicateWindow()).compareTo(orZero(asked.getDuplicateWindow())) < 0,
                    "a repeated id is stored again sooner than configured"),
            new Clause(
                    "max-messages-per-subject",
                    StreamConfiguration::getMaxMsgsPerSubject,
                    (asked, real) -> real.getMaxMsgsPerSubject() > 0 && !real.isDiscardNewPerSubject(),
                    "the oldest messages of a subject are dropped without a word"),
            // What is no more than unexpected: a full stream says so, and so does a message too large.
            harmless("description", StreamConfiguration::getDescription),
            harmless("max-bytes", StreamConfiguration::getMaxBytes),
            harmless("max-messages", StreamConfiguration::getMaxMsgs),
            harmless("max-message-size", StreamConfiguration::getMaximumMessageSize),
            harmless("max-consumers", StreamConfiguration::getMaxConsumers),
            harmless("compression", StreamConfiguration::getCompressionOption),
            harmless(
                    "placement.cluster",
                    s -> s.getPlacement() == null ? null : s.getPlacement().getCluster()),
            harmless(
                    "placement.tags",
                    s -> s.getPlacement() == null || s.getPlacement().getTags() == null
                            ? List.of()
                            : s.getPlacement().getTags()),
            harmless(
                    "republish.destination",
                    s -> s.getRepublish() == null ? null : s.getRepublish().getDestination()),
            harmless("allow-direct", StreamConfiguration::getAllowDirect),
            harmless("allow-atomic", StreamConfiguration::getAllowAtomicPublish),
            harmless("allow-ttl", StreamConfiguration::getAllowMessageTtl),
            harmless("allow-schedules", StreamConfiguration::getAllowMsgSchedules),
            harmless("deny-delete", StreamConfiguration::getDenyDelete),
            harmless("deny-purge", StreamConfiguration::getDenyPurge));

    private StreamContract() {}

    /** Compares a stream with what was asked for. */
    static StreamState compare(StreamConfiguration asked, StreamConfiguration real) {
        List<String> broken = new ArrayList<>();
        List<String> differences = new ArrayList<>();
        for (Clause clause : CLAUSES) {
            Object askedValue = clause.value.apply(asked);
            Object realValue = clause.value.apply(real);
            if (clause.breaks.test(asked, real)) {
                broken.add("stream %s has %s=%s where %s is configured: %s"
                        .formatted(asked.getName(), clause.attribute, text(realValue), text(askedValue), clause.harm));
            } else if (!Objects.equals(askedValue, realValue)) {
                differences.add("stream %s has %s=%s where %s is configured"
                        .formatted(asked.getName(), clause.attribute, text(realValue), text(askedValue)));
            }
        }
        return broken.isEmpty() ? new StreamState.Sound(differences) : new StreamState.Unsafe(broken);
    }

    private static Clause unsafe(
            String attribute,
            Function<StreamConfiguration, @Nullable Object> value,
            Function<StreamConfiguration, Boolean> broken,
            String harm) {
        return new Clause(attribute, value, (asked, real) -> broken.apply(real), harm);
    }

    private static Clause harmless(String attribute, Function<StreamConfiguration, @Nullable Object> value) {
        return new Clause(attribute, value, (asked, real) -> false, "");
    }

    /** Whether one age is shorter than another, where zero is for ever. */
    private static boolean shorter(Duration age, Duration than) {
        return !age.isZero() && (than.isZero() || age.compareTo(than) < 0);
    }

    private static Duration inactiveThreshold(@Nullable ConsumerLimits limits) {
        Duration threshold = limits == null ? null : limits.getInactiveThreshold();
        return threshold == null || threshold.isNegative() ? Duration.ZERO : threshold;
    }

    private static Duration orZero(@Nullable Duration duration) {
        return duration == null ? Duration.ZERO : duration;
    }

    private static String text(@Nullable Object value) {
        return switch (value) {
            case null -> "nothing";
            case Duration duration -> DurationText.of(duration);
            default -> value.toString();
        };
    }
}
