package dev.saf.consumer.upkeep;

import dev.saf.consumer.ledger.Parking;
import dev.saf.jetstream.Streams;
import io.nats.client.JetStreamApiException;
import io.nats.client.PurgeOptions;
import io.nats.client.api.ConsumerInfo;
import java.io.IOException;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Purges due messages that have been settled, a while after: the first message on a due subject is what makes a retry
 * or a redrive by hand happen once, so it stays until nobody can be in the middle of one.
 */
final class SettledRetries implements Task {

    /** How long a settled message stays at least. */
    static final Duration LAG = Duration.ofMinutes(1);

    /**
     * How far a durable had come.
     *
     * @param created when the durable was: another one's place says nothing
     * @param purged up to where its messages are purged
     */
    private record Reading(ZonedDateTime created, long settled, long nanos, long purged) {}

    private final Access access;
    private final List<String> channels;
    private final Duration lag;
    private final Map<String, Reading> readings = new HashMap<>();

    SettledRetries(Access access, List<String> channels, Duration lag) {
        this.access = access;
        this.channels = List.copyOf(channels);
        this.lag = lag;
    }

    @Override
    public void run() throws IOException, JetStreamApiException {
        for (String channel : channels) {
            ConsumerInfo durable = access.consumer(Streams.LATER, "saf-" + channel + "-due");
            if (durable == null) {
                readings.remove(channel);
            } else {
                look(channel, durable);
            }
        }
    }

    private void look(String channel, ConsumerInfo durable) throws IOException, JetStreamApiException {
        long settled = durable.getNumAckPending() == 0
                ? durable.getDelivered().getStreamSequence()
                : durable.getAckFloor().getStreamSequence();
        Reading now = new Reading(durable.getCreationTime(), settled, System.nanoTime(), 0);
        Reading before = readings.get(channel);
        if (before == null || !before.created.equals(now.created) || settled < before.settled) {
            readings.put(channel, now);
        } else if (now.nanos - before.nanos >= lag.toNanos()) {
            if (before.settled > before.purged) {
                purge(channel, before.settled);
            }
            readings.put(channel, new Reading(now.created, settled, now.nanos, before.settled));
        }
    }

    private void purge(String channel, long through) throws IOException, JetStreamApiException {
        var _ = access.management()
                .purgeStream(
                        Streams.LATER,
                        PurgeOptions.builder()
                                .subject(Parking.DUE + channel + ".>")
                                .sequence(through + 1)
                                .build());
    }
}
