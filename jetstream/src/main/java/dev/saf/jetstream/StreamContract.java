package dev.saf.jetstream;

import static java.util.Objects.requireNonNull;

import dev.saf.settings.DurationText;
import io.nats.client.api.ConsumerLimits;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.PersistMode;
import io.nats.client.api.RetentionPolicy;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiPredicate;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What each stream must be like. A stream that promises less than configured is unsafe: whoever means it, says so in
 * the configuration, too. Any other difference is worth a warning.
 */
final class StreamContract {

    /**
     * What an attribute must be like.
     *
     * @param broken whether the second stream, the real one, promises less than the first, the configured one
     * @param harm what comes of that
     */
    private record Promise(
            String attribute, BiPredicate<StreamConfiguration, StreamConfiguration> broken, String harm) {}

    /** All that is compared, in the order in which it is told. */
    private static final Map<String, Function<StreamConfiguration, @Nullable Object>> ATTRIBUTES = attributes();

    /** Of a stream that keeps what it has confirmed. */
    private static final List<Promise> KEEPS = List.of(
            never("no-ack", s -> s.getNoAck(), "nothing published is ever confirmed"),
            never(
                    "persistence",
                    s -> s.getPersistMode() == PersistMode.Async,
                    "messages are confirmed before they are written"),
            never(
                    "retention",
                    s -> s.getRetentionPolicy() != RetentionPolicy.Limits,
                    "messages are dropped before every channel has them, and repeated ids are not recognised"),
            never("sealed", s -> s.getSealed(), "it takes no more messages"),
            never("mirror", s -> s.getMirror() != null, "nothing can be published to a mirror"),
            never(
                    "sources",
                    s -> s.getSources() != null && !s.getSources().isEmpty(),
                    "what comes from other streams is stored again when it repeats"),
            never(
                    "subject-transform",
                    s -> s.getSubjectTransform() != null,
                    "messages are stored under subjects that nobody asks for"),
            never("allow-counter", s -> s.getAllowMessageCounter(), "it takes numbers only"),
            new Promise("subjects", StreamContract::lacksSubjects, "some messages have no place to go"),
            new Promise(
                    "storage",
                    (asked, real) ->
                            asked.getStorageType() == StorageType.File && real.getStorageType() == StorageType.Memory,
                    "a restart of nats-server loses what was acknowledged"),
            new Promise(
                    "replicas",
                    (asked, real) -> real.getReplicas() < asked.getReplicas(),
                    "fewer losses of servers are survived than configured"));

    /** Of a stream from which channels are served. */
    private static final List<Promise> SERVES = List.of(never(
            "consumer-limits.inactive-threshold",
            s -> !inactiveThreshold(s.getConsumerLimits()).isZero(),
            "a consumer that pauses for so long is deleted, and forgets what it has delivered"));

    /** Of a stream that says so when it is full. */
    private static final List<Promise> REFUSES = List.of(never(
            "discard",
            s -> s.getDiscardPolicy() != DiscardPolicy.New,
            "a full stream drops its oldest messages without a word"));

    /** Of a stream in which every message stands for itself, for as long as configured. */
    private static final List<Promise> KEEPS_EACH = List.of(
            never("allow-rollup", s -> s.getAllowRollup(), "one header empties the stream"),
            new Promise(
                    "max-age",
                    (asked, real) -> shorter(orZero(real.getMaxAge()), orZero(asked.getMaxAge())),
                    "what is not delivered yet is dropped sooner than configured"),
            new Promise(
                    "duplicate-window",
                    (asked, real) ->
                            orZero(real.getDuplicateWindow()).compareTo(orZero(asked.getDuplicateWindow())) < 0,
                    "a repeated id is stored again sooner than configured"),
            never(
                    "max-messages-per-subject",
                    s -> s.getMaxMsgsPerSubject() > 0 && !s.isDiscardNewPerSubject(),
                    "the oldest messages of a subject are dropped without a word"));

    /** Of a stream that gives back at its time what was put into it. It must drop the oldest, hence have no limit. */
    private static final List<Promise> KEEPS_UNTIL_DUE = List.of(
            never(
                    "max-age",
                    s -> !orZero(s.getMaxAge()).isZero(),
                    "a retry that is due later than that is dropped without a word"),
            never("max-bytes", s -> s.getMaxBytes() > 0, "a full stream drops its oldest retries without a word"),
            never("max-messages", s -> s.getMaxMsgs() > 0, "a full stream drops its oldest retries without a word"),
            never(
                    "max-messages-per-subject",
                    s -> s.getMaxMsgsPerSubject() > 0,
                    "which of two messages came first is forgotten, and one retry is delivered twice"),
            never("allow-schedules", s -> !s.getAllowMsgSchedules(), "no retry can be parked"),
            never("allow-ttl", s -> !s.getAllowMessageTtl(), "nothing in it can be given an end"),
            never("deny-delete", s -> s.getDenyDelete(), "a parked retry can never be taken out"),
            never("deny-purge", s -> s.getDenyPurge(), "what is settled stays, and the stream grows for ever"));

    /** Of a stream that knows the last word on everything. */
    private static final List<Promise> REMEMBERS = List.of(never(
            "max-age",
            s -> !orZero(s.getMaxAge()).isZero(),
            "what nobody repeats is forgotten, such as that a channel is paused"));

    /** Of a stream that listens. */
    private static final List<Promise> LISTENS = List.of(
            never("sealed", s -> s.getSealed(), "it takes no more messages"),
            new Promise("subjects", StreamContract::lacksSubjects, "some messages have no place to go"));

    /** By stream. What no promise is about is harmless: a full stream says so, and so does a message too large. */
    private static final Map<String, Map<String, Promise>> PROMISES = Map.of(
            Streams.EVENTS, promises(KEEPS, SERVES, REFUSES, KEEPS_EACH),
            Streams.DEAD_LETTERS, promises(KEEPS, SERVES, REFUSES, KEEPS_EACH),
            Streams.LATER, promises(KEEPS, SERVES, KEEPS_UNTIL_DUE),
            Streams.STATE, promises(KEEPS, REFUSES, REMEMBERS),
            Streams.ADVISORIES, promises(LISTENS));

    private StreamContract() {}

    /** Compares a stream with what was asked for. */
    static StreamState compare(StreamConfiguration asked, StreamConfiguration real) {
        Map<String, Promise> promises = requireNonNull(PROMISES.get(asked.getName()), asked.getName());
        List<String> broken = new ArrayList<>();
        List<String> differences = new ArrayList<>();
        ATTRIBUTES.forEach((attribute, value) -> {
            Object askedValue = value.apply(asked);
            Object realValue = value.apply(real);
            String difference = "stream %s has %s=%s where %s is configured"
                    .formatted(asked.getName(), attribute, text(realValue), text(askedValue));
            Promise promise = promises.get(attribute);
            if (promise != null && promise.broken.test(asked, real)) {
                broken.add(difference + ": " + promise.harm);
            } else if (!Objects.equals(askedValue, realValue)) {
                differences.add(difference);
            }
        });
        return broken.isEmpty() ? new StreamState.Sound(differences) : new StreamState.Unsafe(broken);
    }

    private static Map<String, Function<StreamConfiguration, @Nullable Object>> attributes() {
        Map<String, Function<StreamConfiguration, @Nullable Object>> all = new LinkedHashMap<>();
        all.put("no-ack", StreamConfiguration::getNoAck);
        all.put("persistence", s -> s.getPersistMode() == PersistMode.Async ? "async" : "default");
        all.put("retention", StreamConfiguration::getRetentionPolicy);
        all.put("discard", StreamConfiguration::getDiscardPolicy);
        all.put("sealed", StreamConfiguration::getSealed);
        all.put("mirror", s -> s.getMirror() == null ? null : s.getMirror().getName());
        all.put("sources", s -> s.getSources() == null ? 0 : s.getSources().size());
        all.put("subject-transform", s -> s.getSubjectTransform() != null);
        all.put("allow-rollup", StreamConfiguration::getAllowRollup);
        all.put("allow-counter", StreamConfiguration::getAllowMessageCounter);
        all.put("consumer-limits.inactive-threshold", s -> inactiveThreshold(s.getConsumerLimits()));
        all.put("subjects", StreamConfiguration::getSubjects);
        all.put("storage", StreamConfiguration::getStorageType);
        all.put("replicas", StreamConfiguration::getReplicas);
        all.put("max-age", StreamConfiguration::getMaxAge);
        all.put("duplicate-window", StreamConfiguration::getDuplicateWindow);
        all.put("max-messages-per-subject", StreamConfiguration::getMaxMsgsPerSubject);
        all.put("description", StreamConfiguration::getDescription);
        all.put("max-bytes", StreamConfiguration::getMaxBytes);
        all.put("max-messages", StreamConfiguration::getMaxMsgs);
        all.put("max-message-size", StreamConfiguration::getMaximumMessageSize);
        all.put("max-consumers", StreamConfiguration::getMaxConsumers);
        all.put("compression", StreamConfiguration::getCompressionOption);
        all.put(
                "placement.cluster",
                s -> s.getPlacement() == null ? null : s.getPlacement().getCluster());
        all.put(
                "placement.tags",
                s -> s.getPlacement() == null || s.getPlacement().getTags() == null
                        ? List.of()
                        : s.getPlacement().getTags());
        all.put(
                "republish.destination",
                s -> s.getRepublish() == null ? null : s.getRepublish().getDestination());
        all.put("allow-direct", StreamConfiguration::getAllowDirect);
        all.put("allow-atomic", StreamConfiguration::getAllowAtomicPublish);
        all.put("allow-ttl", StreamConfiguration::getAllowMessageTtl);
        all.put("allow-schedules", StreamConfiguration::getAllowMsgSchedules);
        all.put("deny-delete", StreamConfiguration::getDenyDelete);
        all.put("deny-purge", StreamConfiguration::getDenyPurge);
        return all;
    }

    @SafeVarargs
    private static Map<String, Promise> promises(List<Promise>... promises) {
        Map<String, Promise> all = new HashMap<>();
        for (List<Promise> some : promises) {
            for (Promise promise : some) {
                requireNonNull(ATTRIBUTES.get(promise.attribute), promise.attribute);
                all.put(promise.attribute, promise);
            }
        }
        return all;
    }

    private static Promise never(String attribute, Predicate<StreamConfiguration> broken, String harm) {
        return new Promise(attribute, (asked, real) -> broken.test(real), harm);
    }

    private static boolean lacksSubjects(StreamConfiguration asked, StreamConfiguration real) {
        return !real.getSubjects().containsAll(asked.getSubjects())
                && !real.getSubjects().contains(">");
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
