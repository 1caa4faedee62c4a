package dev.saf.consumer.delivery;

import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * How a channel gets its events, whatever its type.
 *
 * @param mode from the stream, or from core NATS, which keeps nothing for a channel
 * @param delivery whether an event is offered until it is settled, or once
 * @param deliver where a new channel starts; no matter for one whose durable exists
 * @param deliverSequence the first sequence for a new channel, with {@code deliver: from-sequence}
 * @param deliverTime from when on a new channel gets events, with {@code deliver: from-time}
 * @param ack when the server takes an event for settled
 * @param headersOnly whether events come without their payload
 * @param replay how fast events come that wait already: at once, or in the rhythm in which they were stored
 * @param sample of how many of a hundred acknowledgements the server publishes a measurement
 * @param maxAckPending how many events may be out to all processes together; default 1000, or four times the
 *     concurrency if that is more
 * @param maxBatch the most events to ask for in one pull; default: the concurrency
 * @param maxBatchBytes the most bytes to ask for in one pull, subjects and headers included; default: no bound
 * @param inactiveThreshold must not be set
 * @param ordering whether events of one key are delivered one after another, in the order of the stream
 * @param orderingKey what that key is: {@code subject}, {@code id}, or the name of an attribute; default: the subject
 */
public record Intake(
        @DefaultValue("stream") Mode mode,
        @DefaultValue("at-least-once") Guarantee delivery,
        @DefaultValue("all") Start deliver,
        @Nullable Long deliverSequence,
        @Nullable Instant deliverTime,
        @DefaultValue("explicit") Ack ack,
        @DefaultValue("false") boolean headersOnly,
        @DefaultValue("instant") Replay replay,
        @DefaultValue("0") int sample,
        @Nullable Long maxAckPending,
        @Nullable Integer maxBatch,
        @Nullable DataSize maxBatchBytes,
        @Nullable Duration inactiveThreshold,
        @DefaultValue("none") Ordering ordering,
        @Nullable String orderingKey) {

    /** Where events come from. */
    public enum Mode {
        STREAM,
        CORE
    }

    /** How often an event is offered. */
    public enum Guarantee {
        AT_LEAST_ONCE,
        AT_MOST_ONCE
    }

    /** Where a new channel starts. */
    public enum Start {
        ALL,
        NEW,
        LAST,
        LAST_PER_SUBJECT,
        FROM_SEQUENCE,
        FROM_TIME
    }

    /** What settles an event on the server. */
    public enum Ack {
        EXPLICIT,
        NONE,
        ALL
    }

    /** How fast events come. */
    public enum Replay {
        INSTANT,
        ORIGINAL
    }

    /** In which order events are delivered. */
    public enum Ordering {
        /** In any, at once. */
        NONE,
        /** Those of one key one after another. */
        KEY
    }

    /** When a message is acknowledged. */
    enum Acknowledged {
        /** When its outcome is safe: nothing is lost, and a crash repeats it. */
        AFTERWARDS,
        /** And the acknowledgement confirmed, before it is offered: nothing is repeated, and a crash loses it. */
        BEFORE,
        /** Nobody waits for it. */
        NEVER
    }

    private static final int DEFAULT_MAX_ACK_PENDING = 1000;
    private static final int MOST = 1_000_000;
    private static final Set<String> NO_KEYS = Set.of("specversion", "time", "datacontenttype");
    private static final DataSize LEAST_BYTES = DataSize.ofKilobytes(1);

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException as {@code key: what is wrong and what is allowed}
     */
    public Intake {
        checkStart(deliver, deliverSequence, deliverTime);
        require(
                delivery == Guarantee.AT_MOST_ONCE || ack == Ack.EXPLICIT,
                "ack",
                "is " + text(ack) + ", which settles events before they are delivered, and needs"
                        + " delivery: at-most-once; with at-least-once it must be explicit");
        require(sample >= 0 && sample <= 100, "sample", "must be between 0 and 100 (percent), is " + sample);
        require(
                sample == 0 || ack != Ack.NONE,
                "sample",
                "is " + sample + ", and must be 0 with ack: none, where there are no acknowledgements to measure");
        between("max-ack-pending", maxAckPending, MOST);
        require(
                maxAckPending == null || ack != Ack.NONE,
                "max-ack-pending",
                "must not be set with ack: none, where no acknowledgement is ever pending");
        between("max-batch", maxBatch, 10_000);
        require(
                maxBatchBytes == null || maxBatchBytes.compareTo(LEAST_BYTES) >= 0,
                "max-batch-bytes",
                "must be at least 1KB, is " + maxBatchBytes);
        require(
                inactiveThreshold == null,
                "inactive-threshold",
                "must not be set: after that time without a process the server would delete the channel's durable,"
                        + " and with it the memory of what was delivered");
        checkOrdering(ordering, orderingKey, delivery);
        if (mode == Mode.CORE) {
            checkCore(delivery, deliver, ack, headersOnly, replay);
            require(
                    sample == 0 && maxAckPending == null && maxBatch == null && maxBatchBytes == null,
                    "mode",
                    "is core, where nothing is pulled or acknowledged; leave out sample, max-ack-pending, max-batch"
                            + " and max-batch-bytes, or choose mode: stream");
        }
    }

    private static void checkStart(Start deliver, @Nullable Long sequence, @Nullable Instant time) {
        require(
                (deliver == Start.FROM_SEQUENCE) == (sequence != null),
                "deliver-sequence",
                sequence == null
                        ? "is missing; deliver: from-sequence needs the number of the first event"
                        : "is " + sequence + ", and belongs to deliver: from-sequence; deliver is " + text(deliver));
        require(
                sequence == null || sequence >= 1,
                "deliver-sequence",
                "must be at least 1, the number of a stream's first event, is " + sequence);
        require(
                (deliver == Start.FROM_TIME) == (time != null),
                "deliver-time",
                time == null
                        ? "is missing; deliver: from-time needs a time, such as 2026-01-02T03:04:05Z"
                        : "is " + time + ", and belongs to deliver: from-time; deliver is " + text(deliver));
        require(
                time == null || !time.isAfter(Instant.now()),
                "deliver-time",
                "must not lie in the future, is " + time + "; what comes from now on is deliver: new");
    }

    private static void checkOrdering(Ordering ordering, @Nullable String key, Guarantee delivery) {
        require(
                ordering == Ordering.NONE || delivery == Guarantee.AT_LEAST_ONCE,
                "ordering",
                "is key, where an event waits until the one before it is settled, and needs delivery: at-least-once"
                        + " and mode: stream; else it must be none");
        require(
                key == null || ordering == Ordering.KEY,
                "ordering-key",
                "is " + key + ", and belongs to ordering: key; ordering is " + text(ordering));
        require(
                key == null || (key.matches("[a-z0-9]+") && !NO_KEYS.contains(key)),
                "ordering-key",
                "must be subject, id, or the name of an attribute that events have in common, of [a-z0-9], such as"
                        + " partitionkey; is '" + key + "'");
    }

    /** What events have in common that are delivered one after another. */
    OrderingKey key() {
        return new OrderingKey(orderingKey == null ? OrderingKey.SUBJECT : orderingKey);
    }

    boolean isOrdered() {
        return ordering == Ordering.KEY;
    }

    private static void checkCore(Guarantee delivery, Start deliver, Ack ack, boolean headersOnly, Replay replay) {
        require(
                delivery == Guarantee.AT_MOST_ONCE,
                "mode",
                "is core, where nobody keeps an event that cannot be delivered, and needs delivery: at-most-once;"
                        + " with at-least-once it must be stream");
        require(
                deliver == Start.ALL || deliver == Start.NEW,
                "deliver",
                "is " + text(deliver) + ", and must be new or left out with mode: core, which gets only new events");
        require(
                ack != Ack.ALL && !headersOnly && replay == Replay.INSTANT,
                "mode",
                "is core, where there is no consumer to configure; leave out ack, headers-only and replay, or choose"
                        + " mode: stream");
    }

    /** As many as the server may have out at once: enough for pauses between attempts, which count, too. */
    long maxAckPending(int concurrency) {
        return maxAckPending == null ? Math.max(DEFAULT_MAX_ACK_PENDING, 4L * concurrency) : maxAckPending;
    }

    /** The most events to ask for in one pull. */
    int mostPerPull(ChannelSettings settings) {
        return maxBatch == null ? settings.concurrency() : maxBatch;
    }

    /** When messages from such a source are acknowledged. */
    Acknowledged acknowledged(Source.Kind kind) {
        if (kind == Source.Kind.CORE || (kind == Source.Kind.EVENTS && ack == Ack.NONE)) {
            return Acknowledged.NEVER;
        }
        return isAtMostOnce() ? Acknowledged.BEFORE : Acknowledged.AFTERWARDS;
    }

    boolean isAtMostOnce() {
        return delivery == Guarantee.AT_MOST_ONCE;
    }

    private static void between(String key, @Nullable Number value, int most) {
        require(
                value == null || (value.longValue() >= 1 && value.longValue() <= most),
                key,
                "must be between 1 and " + most + ", is " + value);
    }

    private static void require(boolean condition, String key, String sentence) {
        if (!condition) {
            throw new IllegalArgumentException(key + ": " + sentence);
        }
    }

    /** A constant as it is written in settings. */
    static String text(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
