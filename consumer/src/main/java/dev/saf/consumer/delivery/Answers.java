package dev.saf.consumer.delivery;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the server is told about the events of one channel that have come: that one is settled, that it is to come
 * again, or that somebody works on it. An acknowledgement is repeated until it is confirmed.
 */
final class Answers {

    private static final Logger log = LoggerFactory.getLogger(Answers.class);
    private static final long ACK_REPEAT_NANOS = Duration.ofSeconds(2).toNanos();
    private static final int MAX_ACK_REPEATS = 15;

    private final ConfiguredChannel channel;
    private final ChannelMetrics metrics;
    private final Warnings warnings;

    /** Null if events are delivered in any order. */
    private volatile @Nullable Order order;

    Answers(ConfiguredChannel channel, ChannelMetrics metrics, Warnings warnings) {
        this.channel = channel;
        this.metrics = metrics;
        this.warnings = warnings;
    }

    /** What is given back is told to this order. */
    void keep(Order kept) {
        order = kept;
    }

    /** When an event of this source counts as settled for the server. */
    Intake.Acknowledged acknowledged(Source source) {
        return channel.intake().acknowledged(source.kind);
    }

    /** It is settled. */
    void acknowledge(Delivery delivery) {
        if (delivery.isReleased() || delivery.source.isForgotten()) {
            delivery.source.open.remove(delivery.position.sequence(), delivery);
            return;
        }
        delivery.source.delivered.add(delivery.position);
        delivery.settle();
        delivery.ackSentNanos = System.nanoTime();
        delivery.source.acks.ack(delivery);
    }

    /** Says once more that it is settled, if nobody has confirmed that for a while. */
    void repeat(Delivery delivery, long now) {
        if (now - delivery.ackSentNanos < ACK_REPEAT_NANOS) {
            return;
        }
        delivery.ackSentNanos = now;
        if (delivery.source.acks.ack(delivery)) {
            metrics.acksUnconfirmed.increment();
            if (++delivery.ackRepeats >= MAX_ACK_REPEATS) {
                // Should the event come again, it is known to be delivered.
                delivery.source.settled(delivery);
                log.warn(
                        "channel {}: nobody confirms that event {} is settled, it may be delivered again",
                        delivery.source.name(),
                        delivery.position.sequence());
            }
        }
    }

    /** Its event needs nothing more. */
    void suppress(Delivery delivery) {
        metrics.duplicatesSuppressed.increment();
        acknowledge(delivery);
    }

    /**
     * Whether an event has not begun, and nobody has told the server in time that it will: then another process may
     * have it by now. That happens while a process is frozen, or cut off from its servers.
     */
    boolean hasLapsed(Delivery delivery, long now) {
        long wait = channel.settings().ackWait().toNanos();
        return now - delivery.lastProgressNanos > wait - wait / 10
                && !delivery.hasBegun()
                && acknowledged(delivery.source) != Intake.Acknowledged.NEVER;
    }

    /** Leaves an event that has lapsed to whoever gets it next. To give it back could take it from somebody. */
    void lapse(Delivery delivery) {
        if (!delivery.isSuspect()) {
            delivery.source.givenBack.add(Position.of(delivery.message().getReplyTo()));
        }
        forget(delivery, channel.settings().ackWait());
        metrics.lapsed.increment();
        warnings.warn(
                delivery,
                "is not begun",
                "the server may have given it to another process, for want of a sign of life");
    }

    /** Gives back what nobody has tried, which nobody is to suspect for that. */
    void giveBackUntried(Delivery delivery) {
        delivery.source.givenBack.add(Position.of(delivery.message().getReplyTo()));
        giveBack(delivery);
    }

    /** Gives back what has not begun. */
    void giveBack(Delivery delivery) {
        if (hasLapsed(delivery, System.nanoTime())) {
            lapse(delivery);
        } else {
            postpone(delivery, Duration.ZERO);
        }
    }

    /** It is to come again after a pause. */
    void postpone(Delivery delivery, Duration pause) {
        if (delivery.hasEnded()) {
            delivery.source.givenBack.add(Position.of(delivery.message().getReplyTo()));
        }
        // First forgotten, then given back: it may come again at once.
        forget(delivery, pause);
        if (pause.isPositive()) {
            delivery.source.acks.nak(delivery.message(), pause.toNanos());
        } else {
            delivery.source.acks.nak(delivery.message());
        }
    }

    /** It is not here any more, and comes again after a pause. */
    void forget(Delivery delivery, Duration pause) {
        delivery.source.open.remove(delivery.position.sequence(), delivery);
        Order kept = order;
        if (kept != null) {
            kept.away(delivery, pause);
        }
    }

    /** Somebody works on it, or is about to. */
    void keepAlive(Delivery delivery, long now) {
        if (!delivery.isReleased()
                && now - delivery.lastProgressNanos
                        > channel.settings().ackWait().toNanos() / 3
                && delivery.source.acks.progress(delivery.message())) {
            delivery.lastProgressNanos = now;
        }
    }
}
