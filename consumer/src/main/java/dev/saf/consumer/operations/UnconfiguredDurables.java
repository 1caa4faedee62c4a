package dev.saf.consumer.operations;

import dev.saf.consumer.delivery.RunningChannel;
import dev.saf.consumer.delivery.RunningChannels;
import dev.saf.consumer.ledger.StoredMessages;
import dev.saf.consumer.operations.UnconfiguredDurable.Oldest;
import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.Streams;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamManagement;
import io.nats.client.JetStreamOptions;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.ConsumerInfo;
import io.nats.client.api.MessageInfo;
import io.nats.client.api.SequenceInfo;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;

/**
 * Durables on the streams of events and of retries that no channel of this process uses: those of channels that were
 * removed or renamed, of processes with other channels, or of somebody else. Each holds its place for ever, and with it
 * what it has not had.
 */
final class UnconfiguredDurables implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(UnconfiguredDurables.class);
    private static final List<String> STREAMS = List.of(Streams.EVENTS, Streams.LATER);
    private static final JetStreamOptions OPTIONS =
            JetStreamOptions.builder().requestTimeout(Duration.ofSeconds(2)).build();
    private static final Duration AGAIN = Duration.ofSeconds(1);
    private static final int STREAM_NOT_FOUND = 10059;
    private static final int CONSUMER_NOT_FOUND = 10014;
    private static final String OURS = "saf-";

    private final NatsConnection nats;
    private final RunningChannels channels;
    private final StoredMessages stored;
    private volatile boolean closed;

    UnconfiguredDurables(NatsConnection nats, RunningChannels channels) {
        this.nats = nats;
        this.channels = channels;
        this.stored = new StoredMessages(nats);
    }

    /** Says once in the log what is left, as soon as there is NATS to ask. */
    @EventListener(ApplicationReadyEvent.class)
    void tellWhatIsLeft() {
        Thread.ofVirtual().name("saf-unconfigured-durables").start(() -> {
            while (!closed) {
                try {
                    all().stream()
                            .filter(each -> each.name().startsWith(OURS))
                            .forEach(each -> log.warn(
                                    "{}, belongs to no channel configured here; unless another process uses it, delete"
                                            + " it by DELETE /api/durables/{}: until then it keeps its place, and"
                                            + " the stream cannot be trimmed beyond it",
                                    each.text(),
                                    each.name()));
                    return;
                } catch (IOException | JetStreamApiException | IllegalStateException e) {
                    log.debug("no word about unconfigured durables yet", e);
                    LockSupport.parkNanos(AGAIN.toNanos());
                }
            }
        });
    }

    @Override
    public void close() {
        closed = true;
    }

    /**
     * All of them, by stream and name.
     *
     * @throws IOException if NATS does not answer
     */
    List<UnconfiguredDurable> all() throws IOException, JetStreamApiException {
        List<UnconfiguredDurable> all = new ArrayList<>();
        for (ConsumerInfo each : durables(management())) {
            if (!isConfigured(each.getStreamName(), each.getName())) {
                all.add(describe(each));
            }
        }
        return all;
    }

    /**
     * Deletes one, and what it knows of what was delivered.
     *
     * @param stream null if the name is enough
     * @return what it was
     * @throws RefusedException if there is none of this name, more than one, or it is in use
     * @throws IOException if NATS does not answer
     */
    UnconfiguredDurable delete(String name, @Nullable String stream) throws IOException, JetStreamApiException {
        if (stream != null && !STREAMS.contains(stream)) {
            throw RefusedException.invalid("stream", "must be one of " + String.join(", ", STREAMS));
        }
        JetStreamManagement management = management();
        List<ConsumerInfo> found = durables(management).stream()
                .filter(each -> each.getName().equals(name))
                .filter(each -> stream == null || stream.equals(each.getStreamName()))
                .toList();
        if (found.isEmpty()) {
            throw notFound(name, stream);
        }
        if (found.size() > 1) {
            throw RefusedException.invalid(
                    "stream", "is missing: there is a durable of this name on each of " + String.join(", ", STREAMS));
        }
        ConsumerInfo durable = found.getFirst();
        if (isConfigured(durable.getStreamName(), name)) {
            throw RefusedException.conflict("The durable " + name + " of stream " + durable.getStreamName()
                    + " belongs to a channel configured here; without it the channel would not know what it has had."
                    + " Remove the channel first.");
        }
        UnconfiguredDurable last = describe(durable);
        if (last.inUse()) {
            throw RefusedException.conflict("Somebody waits for messages from the durable " + name + " of stream "
                    + last.stream() + "; stop that process first.");
        }
        try {
            management.deleteConsumer(last.stream(), name);
        } catch (JetStreamApiException e) {
            if (e.getApiErrorCode() == CONSUMER_NOT_FOUND) {
                throw notFound(name, stream);
            }
            throw e;
        }
        log.warn("{}, was deleted by an operator", last.text());
        return last;
    }

    private static RefusedException notFound(String name, @Nullable String stream) {
        return RefusedException.notFound("There is no durable " + name + " on "
                + (stream == null ? "the streams " + String.join(", ", STREAMS) : "the stream " + stream) + ".");
    }

    private boolean isConfigured(String stream, String name) {
        return channels.all().stream().anyMatch((RunningChannel each) -> each.owns(stream, name));
    }

    /** A stream that is not there has none. */
    private static List<ConsumerInfo> durables(JetStreamManagement management)
            throws IOException, JetStreamApiException {
        List<ConsumerInfo> durables = new ArrayList<>();
        for (String stream : STREAMS) {
            try {
                management.getConsumers(stream).stream()
                        .filter(each -> each.getConsumerConfiguration().getDurable() != null)
                        .sorted(Comparator.comparing(ConsumerInfo::getName))
                        .forEach(durables::add);
            } catch (JetStreamApiException e) {
                if (e.getApiErrorCode() != STREAM_NOT_FOUND) {
                    throw e;
                }
            }
        }
        return durables;
    }

    private UnconfiguredDurable describe(ConsumerInfo durable) throws IOException {
        ConsumerConfiguration configuration = durable.getConsumerConfiguration();
        List<String> filters =
                configuration.getFilterSubjects() == null ? List.of() : configuration.getFilterSubjects();
        return new UnconfiguredDurable(
                durable.getName(),
                durable.getStreamName(),
                filters,
                durable.getNumPending(),
                durable.getNumAckPending(),
                durable.getNumPending() + durable.getNumAckPending() == 0 ? null : oldest(durable, filters),
                durable.getCreationTime().toInstant(),
                lastActive(durable),
                durable.getNumWaiting() > 0 || durable.isPushBound());
    }

    private @Nullable Oldest oldest(ConsumerInfo durable, List<String> filters) throws IOException {
        long from = durable.getAckFloor().getStreamSequence() + 1;
        Oldest oldest = null;
        for (String filter : filters.isEmpty() ? List.of(">") : filters) {
            MessageInfo message = stored.next(durable.getStreamName(), from, filter);
            ZonedDateTime time = message == null ? null : message.getTime();
            if (message != null && time != null && (oldest == null || message.getSeq() < oldest.sequence())) {
                oldest = new Oldest(message.getSeq(), time.toInstant());
            }
        }
        return oldest;
    }

    private static @Nullable Instant lastActive(ConsumerInfo durable) {
        return Stream.of(durable.getDelivered(), durable.getAckFloor())
                .map(SequenceInfo::getLastActive)
                .filter(Objects::nonNull)
                .map(ZonedDateTime::toInstant)
                .max(Comparator.naturalOrder())
                .orElse(null);
    }

    private JetStreamManagement management() throws IOException {
        Connection connection = nats.current();
        if (connection == null) {
            throw new IOException("not connected to NATS");
        }
        return connection.jetStreamManagement(OPTIONS);
    }
}
