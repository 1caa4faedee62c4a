package dev.saf.consumer.delivery;

import dev.saf.event.WireFormat;
import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.Streams;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamManagement;
import io.nats.client.JetStreamOptions;
import io.nats.client.api.AckPolicy;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.ConsumerInfo;
import io.nats.client.api.DeliverPolicy;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The durable consumers of replays, where the server remembers how far each has come. None of them has an end: who
 * reads notices that it is over, and asks from then on only for what was handed out before and is not settled.
 */
public final class ReplayDurables {

    /** After so long without anybody who asks for its events the server deletes one, whatever became of us. */
    private static final Duration INACTIVE = Duration.ofDays(7);

    private static final int CONSUMER_NOT_FOUND = 10014;
    private static final int CONSUMER_EXISTS = 10148;
    private static final int NAME_IN_USE = 10013;
    private static final JetStreamOptions OPTIONS =
            JetStreamOptions.builder().requestTimeout(Duration.ofSeconds(2)).build();

    private final NatsConnection nats;

    public ReplayDurables(NatsConnection nats) {
        this.nats = nats;
    }

    /**
     * How far a replay has come.
     *
     * @param handedOut the last sequence that was handed out, or skipped, at least once
     * @param settled up to which everything is settled
     * @param unsettled how many events have been handed out and are not settled
     */
    public record Progress(long handedOut, long settled, long unsettled) {}

    @FunctionalInterface
    private interface Work<T> {
        T on(JetStreamManagement management) throws IOException, JetStreamApiException;
    }

    /** How far a replay has come, null if it has no durable (any more). */
    public @Nullable Progress look(String channel, String id) throws IOException {
        return work("looked at", channel, id, management -> {
            try {
                ConsumerInfo info = management.getConsumerInfo(Streams.EVENTS, Source.durable(channel, id));
                return new Progress(
                        info.getDelivered().getStreamSequence(),
                        info.getAckFloor().getStreamSequence(),
                        info.getNumAckPending());
            } catch (JetStreamApiException e) {
                if (e.getApiErrorCode() == CONSUMER_NOT_FOUND) {
                    return null;
                }
                throw e;
            }
        });
    }

    /** Removes a replay's durable, if it is there. */
    public void delete(String channel, String id) throws IOException {
        var _ = work("deleted", channel, id, management -> {
            try {
                return management.deleteConsumer(Streams.EVENTS, Source.durable(channel, id));
            } catch (JetStreamApiException e) {
                if (e.getApiErrorCode() == CONSUMER_NOT_FOUND) {
                    return false;
                }
                throw e;
            }
        });
    }

    /** Makes a replay's durable, unless it is there. */
    void create(ConfiguredChannel channel, Replay replay) throws IOException {
        var _ = work("created", channel.name(), replay.id(), management -> {
            try {
                return management.createConsumer(Streams.EVENTS, configuration(channel, replay));
            } catch (JetStreamApiException e) {
                if (e.getApiErrorCode() == CONSUMER_EXISTS || e.getApiErrorCode() == NAME_IN_USE) {
                    return null;
                }
                throw e;
            }
        });
    }

    /** From now on only what was handed out before is handed out again; without any, one new event at a time. */
    public void end(String channel, String id) throws IOException {
        var _ = work("updated", channel, id, management -> {
            ConsumerConfiguration actual = management
                    .getConsumerInfo(Streams.EVENTS, Source.durable(channel, id))
                    .getConsumerConfiguration();
            return management.updateConsumer(
                    Streams.EVENTS,
                    ConsumerConfiguration.builder(actual).maxAckPending(1L).build());
        });
    }

    private static ConsumerConfiguration configuration(ConfiguredChannel channel, Replay replay) {
        return ConsumerConfiguration.builder()
                .durable(Source.durable(channel.name(), replay.id()))
                .description("a replay of Saf, which deletes it in the end")
                .deliverPolicy(DeliverPolicy.ByStartSequence)
                .startSequence(replay.from())
                .filterSubjects(replay.subjects().stream()
                        .map(subject -> WireFormat.SUBJECT_PREFIX + subject)
                        .toList())
                .ackPolicy(AckPolicy.Explicit)
                .ackWait(channel.settings().ackWait())
                .maxAckPending(channel.maxAckPending())
                .maxDeliver(-1)
                .headersOnly(channel.intake().headersOnly())
                .inactiveThreshold(INACTIVE)
                .metadata(Map.of("saf-until", Long.toString(replay.until())))
                .build();
    }

    private <T extends @Nullable Object> T work(String done, String channel, String id, Work<T> work)
            throws IOException {
        Connection connection = nats.current();
        if (connection == null) {
            throw new IOException("not connected to NATS");
        }
        try {
            return work.on(connection.jetStreamManagement(OPTIONS));
        } catch (JetStreamApiException | IllegalStateException e) {
            throw new IOException(
                    "durable consumer %s could not be %s: %s"
                            .formatted(Source.durable(channel, id), done, e.getMessage()),
                    e);
        }
    }
}
