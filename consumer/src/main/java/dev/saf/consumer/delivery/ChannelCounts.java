package dev.saf.consumer.delivery;

import dev.saf.consumer.ledger.Parking;
import dev.saf.consumer.ledger.StoredMessages;
import dev.saf.consumer.ledger.StreamReader;
import dev.saf.jetstream.Streams;
import io.nats.client.api.ConsumerInfo;
import io.nats.client.api.MessageInfo;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Counts a channel's events where they are stored; for some seconds the counts of the last time are good enough. */
final class ChannelCounts {

    private static final long FRESH_NANOS = Duration.ofSeconds(5).toNanos();

    /**
     * What was found.
     *
     * @param paused whether one of the durables is, with the tool {@code nats}
     */
    record Counted(ChannelStatus.Stored stored, boolean paused) {}

    private record Remembered(Counted counted, long nanos) {}

    private final String channel;
    private final List<Supply> supplies;
    private final StoredMessages stored;
    private final StreamReader reader;
    private @Nullable Remembered last;

    ChannelCounts(String channel, List<Supply> supplies, StoredMessages stored, StreamReader reader) {
        this.channel = channel;
        this.supplies = supplies;
        this.stored = stored;
        this.reader = reader;
    }

    /**
     * How many there are where. Asks NATS, several times.
     *
     * @throws IOException if NATS is away
     */
    synchronized Counted get() throws IOException {
        Remembered before = last;
        if (before != null && System.nanoTime() - before.nanos < FRESH_NANOS) {
            return before.counted;
        }
        ConsumerInfo durable = durable(Source.Kind.EVENTS);
        ConsumerInfo dueDurable = durable(Source.Kind.DUE);
        Counted counted = new Counted(
                new ChannelStatus.Stored(
                        unsettled(durable),
                        oldestWaiting(durable),
                        reader.count(Streams.LATER, List.of(Parking.AT + channel + ".>"), null),
                        unsettled(dueDurable),
                        reader.count(Streams.DEAD_LETTERS, List.of(Streams.DEAD_LETTERS + "." + channel + ".>"), null)),
                isPaused(durable) || isPaused(dueDurable));
        last = new Remembered(counted, System.nanoTime());
        return counted;
    }

    private @Nullable ConsumerInfo durable(Source.Kind kind) throws IOException {
        for (Supply supply : supplies) {
            if (supply.source().kind == kind) {
                return supply.ask();
            }
        }
        return null;
    }

    private static boolean isPaused(@Nullable ConsumerInfo durable) {
        return durable != null && durable.getPaused();
    }

    private static @Nullable Long unsettled(@Nullable ConsumerInfo durable) {
        return durable == null ? null : durable.getNumPending() + durable.getNumAckPending();
    }

    private @Nullable Instant oldestWaiting(@Nullable ConsumerInfo durable) throws IOException {
        if (durable == null || durable.getNumPending() == 0) {
            return null;
        }
        List<String> filters = durable.getConsumerConfiguration().getFilterSubjects();
        long after = durable.getDelivered().getStreamSequence() + 1;
        Instant oldest = null;
        for (String filter : filters == null || filters.isEmpty() ? List.of(">") : filters) {
            MessageInfo next = stored.next(Streams.EVENTS, after, filter);
            ZonedDateTime time = next == null ? null : next.getTime();
            if (time != null && (oldest == null || time.toInstant().isBefore(oldest))) {
                oldest = time.toInstant();
            }
        }
        return oldest;
    }
}
