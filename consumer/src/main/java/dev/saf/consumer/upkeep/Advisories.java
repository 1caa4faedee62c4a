package dev.saf.consumer.upkeep;

import static java.util.Objects.requireNonNull;

import dev.saf.consumer.ledger.DeadLetters;
import dev.saf.consumer.ledger.Parking;
import dev.saf.consumer.ledger.Passage;
import dev.saf.consumer.ledger.Reason;
import dev.saf.consumer.ledger.StoredMessages;
import dev.saf.jetstream.Streams;
import io.micrometer.core.instrument.MeterRegistry;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.Message;
import io.nats.client.Subscription;
import io.nats.client.api.AckPolicy;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.ConsumerInfo;
import io.nats.client.api.MessageInfo;
import io.nats.client.impl.Headers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A tripwire: keeps as a dead letter what the server has given up. Saf sets no limit of deliveries and terminates none,
 * but somebody else may do so with a durable of a channel, and the server then hands the event out no more, without a
 * word to anybody but the stream {@code advisories}.
 */
final class Advisories implements Task {

    /** Where reading those goes on. */
    static final String DURABLE = "saf-advisories";

    private static final Logger log = LoggerFactory.getLogger(Advisories.class);
    private static final Duration TIMEOUT = Duration.ofSeconds(2);
    private static final int BATCH = 50;
    private static final String TERMINATED = "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.";
    private static final JsonMapper JSON = JsonMapper.shared();

    private final Access access;
    private final List<String> channels;
    private final DeadLetters deadLetters;
    private final StoredMessages messages;
    private final MeterRegistry registry;

    /** Consumers of others that have been spoken of. */
    private final Set<String> told = new HashSet<>();

    /**
     * What the server has said.
     *
     * @param reason what has happened
     * @param deliveries how often the server had handed it out
     * @param why what was said with it, empty if nothing
     */
    private record Advisory(Reason reason, String stream, String consumer, long sequence, long deliveries, String why) {

        static Advisory of(Message message) {
            JsonNode json = JSON.readTree(message.getData());
            return new Advisory(
                    message.getSubject().startsWith(TERMINATED) ? Reason.TERMINATED : Reason.MAX_DELIVERIES,
                    json.path("stream").asString(""),
                    json.path("consumer").asString(""),
                    json.path("stream_seq").asLong(0),
                    json.path("deliveries").asLong(0),
                    json.path("reason").asString(""));
        }

        String error() {
            return reason == Reason.TERMINATED
                    ? "somebody terminated its delivery by %s%s".formatted(consumer, why.isEmpty() ? "" : ": " + why)
                    : "nats-server handed it out %d times and will not do so again: somebody has limited the deliveries"
                                    .formatted(deliveries)
                            + " of " + consumer;
        }
    }

    Advisories(Access access, List<String> channels, DeadLetters deadLetters, MeterRegistry registry) {
        this.access = access;
        this.channels = List.copyOf(channels);
        this.deadLetters = deadLetters;
        this.messages = new StoredMessages(access.nats());
        this.registry = registry;
    }

    @Override
    public synchronized void run() throws IOException, JetStreamApiException {
        ConsumerInfo durable = access.consumer(Streams.ADVISORIES, DURABLE);
        if (durable == null) {
            durable = create();
        }
        if (isDone(durable)) {
            return;
        }
        List<Message> batch = pull();
        while (!batch.isEmpty()) {
            for (Message message : batch) {
                take(message);
                acknowledge(message);
            }
            batch = pull();
        }
    }

    /** Whether nothing has been given up that is not a dead letter by now. Also if nobody records such things. */
    boolean allSeen() throws IOException, JetStreamApiException {
        if (!access.management().getStreamNames().contains(Streams.ADVISORIES)) {
            return true;
        }
        run();
        ConsumerInfo durable = access.consumer(Streams.ADVISORIES, DURABLE);
        return durable != null && isDone(durable);
    }

    private static boolean isDone(ConsumerInfo durable) {
        return durable.getNumPending() == 0 && durable.getNumAckPending() == 0;
    }

    private ConsumerInfo create() throws IOException, JetStreamApiException {
        return access.management()
                .addOrUpdateConsumer(
                        Streams.ADVISORIES,
                        ConsumerConfiguration.builder()
                                .durable(DURABLE)
                                .ackPolicy(AckPolicy.Explicit)
                                .build());
    }

    private List<Message> pull() throws IOException {
        Connection connection = access.connection();
        Subscription inbox = connection.subscribe(connection.createInbox());
        try {
            connection.publish(
                    "$JS.API.CONSUMER.MSG.NEXT." + Streams.ADVISORIES + "." + DURABLE,
                    inbox.getSubject(),
                    "{\"batch\":%d,\"no_wait\":true}".formatted(BATCH).getBytes(StandardCharsets.US_ASCII));
            List<Message> batch = new ArrayList<>();
            while (batch.size() < BATCH) {
                Message message = inbox.nextMessage(TIMEOUT);
                if (message == null) {
                    throw new IOException("nats-server did not answer for %d s".formatted(TIMEOUT.toSeconds()));
                }
                if (message.isStatusMessage()) {
                    // That is all there is.
                    break;
                }
                batch.add(message);
            }
            return batch;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while reading advisories", e);
        } finally {
            inbox.unsubscribe();
        }
    }

    private void take(Message message) throws IOException, JetStreamApiException {
        Advisory advisory;
        try {
            advisory = Advisory.of(message);
        } catch (JacksonException e) {
            log.warn("an advisory on {} is not understood: {}", message.getSubject(), e.getOriginalMessage());
            return;
        }
        Owner owner = Owner.of(advisory.stream, advisory.consumer, channels);
        if (owner != null) {
            keep(advisory, owner);
        } else if (told.add(advisory.stream + "/" + advisory.consumer)) {
            log.warn(
                    "stream {}: nats-server has given up message {} for consumer {}, which is no channel's; only"
                            + " counted from now on",
                    advisory.stream,
                    advisory.sequence,
                    advisory.consumer);
        }
        registry.counter("saf.advisories", "kind", advisory.reason.tag()).increment();
    }

    private void keep(Advisory advisory, Owner owner) throws IOException, JetStreamApiException {
        MessageInfo message = messages.get(advisory.stream, advisory.sequence);
        if (message == null) {
            log.error(
                    "stream {}: message {} is gone, and it was given up for channel {}: {}",
                    advisory.stream,
                    advisory.sequence,
                    owner.channel(),
                    advisory.error());
        } else if (!advisory.stream.equals(Streams.LATER) || counts(message)) {
            Passage passage = passage(message, owner, advisory);
            deadLetters.store(
                    passage.withAttempts(passage.attempts() + advisory.deliveries),
                    message.getHeaders(),
                    message.getData() == null ? new byte[0] : message.getData(),
                    advisory.reason,
                    advisory.error(),
                    Instant.now());
            registry.counter("saf.channel.dead.lettered", "channel", owner.channel(), "reason", advisory.reason.tag())
                    .increment();
            log.error(
                    "channel {}: event {} on {} is a dead letter now ({}): {}",
                    owner.channel(),
                    passage.sequence(),
                    message.getSubject(),
                    advisory.reason.tag(),
                    advisory.error());
        }
    }

    /** A due message that is not the first on its subject, or was cancelled, is nobody's loss. */
    private boolean counts(MessageInfo due) throws IOException {
        MessageInfo first = messages.next(Streams.LATER, 1, requireNonNull(due.getSubject()));
        Headers headers = due.getHeaders();
        return first != null
                && first.getSeq() == due.getSeq()
                && (headers == null || !headers.containsKey(Parking.CANCELLED));
    }

    private static Passage passage(MessageInfo message, Owner owner, Advisory advisory) {
        if (advisory.stream.equals(Streams.LATER)) {
            try {
                return Passage.read(message.getHeaders());
            } catch (IllegalArgumentException e) {
                log.warn("stream {}: message {} is no retry: {}", advisory.stream, message.getSeq(), e.getMessage());
            }
        }
        Instant stored = requireNonNull(message.getTime()).toInstant();
        Passage passage = Passage.begin(
                owner.channel(),
                requireNonNull(message.getSubject()),
                message.getHeaders(),
                message.getSeq(),
                stored.getEpochSecond() * 1_000_000_000L + stored.getNano());
        return owner.replay() == null ? passage : passage.replayed(owner.replay());
    }

    private static void acknowledge(Message message) throws IOException {
        try {
            message.ackSync(TIMEOUT);
        } catch (TimeoutException | IllegalStateException e) {
            // It comes again, and is kept only once.
            throw new IOException("nobody confirmed that an advisory was read", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while acknowledging an advisory", e);
        }
    }
}
