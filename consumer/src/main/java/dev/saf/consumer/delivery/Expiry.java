package dev.saf.consumer.delivery;

import dev.saf.consumer.ledger.StoredMessages;
import io.nats.client.api.ConsumerInfo;
import io.nats.client.api.MessageInfo;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees to it that none of a channel's events vanishes with age. Its stream drops each when its time is over, delivered
 * or not; so what waits for too long is fetched before that, whatever keeps the channel from delivering, and becomes a
 * dead letter.
 */
final class Expiry {

    private static final Logger log = LoggerFactory.getLogger(Expiry.class);

    /** How often to go on while there is something to do. */
    private static final Duration STEP = Duration.ofMillis(100);

    private static final Duration AFTER_FAILURE = Duration.ofSeconds(1);

    private final Subscription events;
    private final Deliveries deliveries;
    private final StoredMessages stored;
    private final Supplier<ShelfLife> shelfLife;
    private final InstantSource clock = InstantSource.system();
    private final LogLimit warnings = new LogLimit(1, Duration.ofMinutes(10));
    private final AtomicBoolean looking = new AtomicBoolean();
    private volatile long nextNanos = System.nanoTime();
    private volatile @Nullable Sight sight;

    /**
     * What the last look has shown.
     *
     * @param oldest when the oldest event was stored that is not settled, null if there is none
     */
    private record Sight(@Nullable Instant oldest) {}

    Expiry(Subscription events, Deliveries deliveries, StoredMessages stored, Supplier<ShelfLife> shelfLife) {
        this.events = events;
        this.deliveries = deliveries;
        this.stored = stored;
        this.shelfLife = shelfLife;
    }

    /** Looks, if it is time. To be called about ten times a second; blocks nobody. */
    void lookAfter() {
        if (System.nanoTime() - nextNanos >= 0 && looking.compareAndSet(false, true)) {
            Thread.ofVirtual().name("saf-expiry-" + events.source().channel).start(() -> {
                try {
                    nextNanos = System.nanoTime() + work().toNanos();
                } finally {
                    looking.set(false);
                }
            });
        }
    }

    /** In seconds, of the oldest event that is not settled: 0 if there is none, not a number before the first look. */
    double oldestAge() {
        Sight last = sight;
        if (last == null) {
            return Double.NaN;
        }
        Instant oldest = last.oldest;
        // Clocks differ.
        return oldest == null
                ? 0
                : Math.max(0, Duration.between(oldest, clock.instant()).toMillis() / 1000.0);
    }

    /** Returns how long to wait until the next time. */
    private Duration work() {
        ShelfLife life = shelfLife.get();
        Source source = events.source();
        try {
            look(life);
        } catch (IOException | RuntimeException e) {
            log.debug("channel {}: its oldest event could not be looked up", source.name(), e);
            return AFTER_FAILURE;
        }
        if (!deliveries.expire(life)) {
            return AFTER_FAILURE;
        }
        return source.expiring ? STEP : life.patience();
    }

    private void look(ShelfLife life) throws IOException {
        Source source = events.source();
        ConsumerInfo durable = events.ask();
        if (durable == null) {
            source.expiring = false;
            return;
        }
        MessageInfo waiting = durable.getNumPending() == 0
                ? null
                : next(durable, durable.getDelivered().getStreamSequence());
        MessageInfo unsettled = durable.getNumAckPending() == 0
                ? waiting
                : next(durable, durable.getAckFloor().getStreamSequence());
        sight = new Sight(unsettled == null ? null : time(unsettled));
        // Handed out, but not to this process: if it is to nobody else either, it waits to be handed out again.
        source.expiring = (waiting != null && isOver(life, waiting))
                || (unsettled != null && !source.open.containsKey(unsettled.getSeq()) && isOver(life, unsettled));
        if (source.expiring && durable.getPaused() && warnings.allow(System.nanoTime()) >= 0) {
            log.error(
                    "channel {}: durable consumer {} is paused on the server (nats consumer resume), so that its"
                            + " events, which are about to be dropped for their age, cannot even become dead letters",
                    source.name(),
                    source.durable());
        }
    }

    private boolean isOver(ShelfLife life, MessageInfo message) {
        return life.isOver(
                time(message), clock.instant(), deliveries.admission().isStanding(life.patience()));
    }

    private static Instant time(MessageInfo message) {
        return Objects.requireNonNull(message.getTime()).toInstant();
    }

    /** The first event after a sequence that the durable gets. */
    private @Nullable MessageInfo next(ConsumerInfo durable, long after) throws IOException {
        List<String> filters = durable.getConsumerConfiguration().getFilterSubjects();
        MessageInfo first = null;
        for (String filter : filters == null || filters.isEmpty() ? List.of(">") : filters) {
            MessageInfo next = stored.next(durable.getStreamName(), after + 1, filter);
            if (next != null && (first == null || next.getSeq() < first.getSeq())) {
                first = next;
            }
        }
        return first;
    }
}
