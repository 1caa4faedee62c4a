package dev.saf.consumer.ledger;

import dev.saf.jetstream.NatsConnection;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamManagement;
import io.nats.client.JetStreamOptions;
import io.nats.client.Message;
import io.nats.client.NUID;
import io.nats.client.Subscription;
import io.nats.client.api.AckPolicy;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.ConsumerInfo;
import io.nats.client.api.DeliverPolicy;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads stretches of a stream, oldest first, for lists, counts and searches. Leaves no trace: nothing is acknowledged,
 * and the consumer it takes is deleted in the end, at the latest by the server after ten idle seconds.
 *
 * <p>With several replicas the youngest messages may be missing, as any of them may answer.
 */
public final class StreamReader {

    private static final Logger log = LoggerFactory.getLogger(StreamReader.class);
    private static final Duration TIMEOUT = Duration.ofSeconds(2);
    private static final Duration IDLE = Duration.ofSeconds(10);
    private static final JetStreamOptions OPTIONS =
            JetStreamOptions.builder().requestTimeout(TIMEOUT).build();

    /** Messages asked for at a time. Whole ones may be a megabyte each. */
    private static final int BATCH = 64;

    private static final int BATCH_OF_HEADERS = 512;
    private static final int MAX_COUNTS = 3;
    private static final int STATUS_HEARTBEAT = 100;
    private static final int STATUS_NOTHING = 404;
    private static final int STATUS_NOTHING_MORE = 408;

    private final NatsConnection nats;

    public StreamReader(NatsConnection nats) {
        this.nats = nats;
    }

    /**
     * What to read.
     *
     * @param filters subjects, of which no two may overlap; empty for all
     * @param from the first sequence
     * @param since read nothing stored before, by the server's clock; null for no matter when
     * @param headersOnly whether the bodies are left out
     * @param most the most messages
     */
    public record Range(
            String stream,
            List<String> filters,
            long from,
            @Nullable Instant since,
            boolean headersOnly,
            long most) {

        /** Checks the numbers. */
        public Range {
            filters = List.copyOf(filters);
            if (from < 1 || most < 1) {
                throw new IllegalArgumentException(
                        "a range begins at a sequence of at least 1 and has at least 1 message: from " + from
                                + ", at most " + most);
            }
        }

        /** A whole stream, or what of it has some subjects. */
        public static Range of(String stream, List<String> filters) {
            return new Range(stream, filters, 1, null, false, Long.MAX_VALUE);
        }

        /** Begins at a sequence, whenever that was stored. */
        public Range fromSequence(long sequence) {
            return new Range(stream, filters, sequence, null, headersOnly, most);
        }

        /** Begins with what was stored at a time. */
        public Range fromTime(Instant time) {
            return new Range(stream, filters, 1, time, headersOnly, most);
        }

        /** Leaves the bodies out. */
        public Range onlyHeaders() {
            return new Range(stream, filters, from, since, true, most);
        }

        /** Reads no more messages than that. */
        public Range atMost(long messages) {
            return new Range(stream, filters, from, since, headersOnly, messages);
        }
    }

    /**
     * Where reading has ended.
     *
     * @param next the sequence at which to go on
     * @param complete whether all has been read that was there at the beginning
     */
    public record Stop(long next, boolean complete) {}

    /**
     * How many messages there are.
     *
     * @param filters subjects, of which no two may overlap; empty for all
     * @param since count nothing stored before; null for all
     * @throws IOException if the stream could not be asked
     */
    public long count(String stream, List<String> filters, @Nullable Instant since) throws IOException {
        Range all = Range.of(stream, filters);
        return count(since == null ? all : all.fromTime(since));
    }

    /**
     * How many messages there are between two sequences, both included. Exact where nothing is stored meanwhile, or
     * seldom; else a few too many or too few.
     *
     * @param filters subjects, of which no two may overlap; empty for all
     * @throws IOException if the stream could not be asked
     */
    public long count(String stream, List<String> filters, long from, long until) throws IOException {
        Range all = Range.of(stream, filters).fromSequence(from);
        Range beyond = all.fromSequence(Math.max(from, until + 1));
        long before = count(all);
        for (int i = 0; i < MAX_COUNTS; i++) {
            long within = before - count(beyond);
            long after = count(all);
            if (after == before) {
                return within;
            }
            before = after;
        }
        return Math.max(0, before - count(beyond));
    }

    private long count(Range range) throws IOException {
        try {
            JetStreamManagement management = Publishing.connection(nats).jetStreamManagement(OPTIONS);
            ConsumerInfo consumer = open(management, range.onlyHeaders());
            close(management, consumer);
            return consumer.getCalculatedPending();
        } catch (JetStreamApiException | IOException | IllegalStateException e) {
            throw failure(range.stream, e);
        }
    }

    /**
     * The sequence of the last message that was stored, 0 if none ever was.
     *
     * @throws IOException if the stream could not be asked
     */
    public long lastSequence(String stream) throws IOException {
        try {
            return Publishing.connection(nats)
                    .jetStreamManagement(OPTIONS)
                    .getStreamInfo(stream)
                    .getStreamState()
                    .getLastSequence();
        } catch (JetStreamApiException | IOException | IllegalStateException e) {
            throw failure(stream, e);
        }
    }

    /**
     * Reads until all is read that was there at the beginning, until the range's bound, or until somebody has enough.
     *
     * @param each gets a message, and says whether it wants more; within ten seconds for {@value #BATCH} messages
     * @throws IOException if the stream cannot be read, or not to the end
     */
    public Stop read(Range range, Predicate<Message> each) throws IOException {
        try {
            Connection connection = Publishing.connection(nats);
            JetStreamManagement management = connection.jetStreamManagement(OPTIONS);
            long last = management.getStreamInfo(range.stream).getStreamState().getLastSequence();
            ConsumerInfo consumer = open(management, range);
            Subscription messages = connection.subscribe(connection.createInbox());
            // The bound is what is asked for.
            messages.setPendingLimits(0, 0);
            try {
                return new Reading(connection, messages, consumer, range, last).run(each);
            } finally {
                messages.unsubscribe();
                close(management, consumer);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failure(range.stream, e);
        } catch (JetStreamApiException | IOException | IllegalStateException e) {
            throw failure(range.stream, e);
        }
    }

    /** One way through a range. */
    private static final class Reading {

        private final Connection connection;
        private final Subscription messages;
        private final String pull;
        private final int batch;
        private final long last;
        private long left;
        private long read;
        private long next;

        Reading(Connection connection, Subscription messages, ConsumerInfo consumer, Range range, long last) {
            this.connection = connection;
            this.messages = messages;
            this.pull = "$JS.API.CONSUMER.MSG.NEXT." + range.stream + "." + consumer.getName();
            this.batch = range.headersOnly ? BATCH_OF_HEADERS : BATCH;
            this.last = last;
            this.left = range.most;
            // Where a time is, the server knows.
            this.next = Math.max(range.from, consumer.getDelivered().getStreamSequence() + 1);
        }

        Stop run(Predicate<Message> each) throws IOException, InterruptedException {
            while (left > 0) {
                int asked = (int) Math.min(batch, left);
                ask(asked);
                for (int i = 0; i < asked; i++) {
                    Message message = receive();
                    if (message == null || message.metaData().streamSequence() > last) {
                        return new Stop(next, true);
                    }
                    boolean more = take(message, each);
                    if (message.metaData().pendingCount() == 0 || next > last) {
                        return new Stop(next, true);
                    }
                    if (!more) {
                        return new Stop(next, false);
                    }
                }
            }
            return new Stop(next, false);
        }

        private void ask(int count) {
            connection.publish(
                    pull,
                    messages.getSubject(),
                    "{\"batch\":%d,\"no_wait\":true}".formatted(count).getBytes(StandardCharsets.US_ASCII));
        }

        /** Null if there is nothing more. */
        private @Nullable Message receive() throws IOException, InterruptedException {
            while (true) {
                Message message = messages.nextMessage(TIMEOUT);
                if (message == null) {
                    throw new IOException("nats-server has not answered for %d s, after %d messages"
                            .formatted(TIMEOUT.toSeconds(), read));
                }
                if (!message.isStatusMessage()) {
                    return message;
                }
                int status = message.getStatus().getCode();
                if (status == STATUS_NOTHING || status == STATUS_NOTHING_MORE) {
                    return null;
                }
                if (status != STATUS_HEARTBEAT) {
                    throw new IOException("nats-server has answered %s, after %d messages"
                            .formatted(message.getStatus().getMessageWithCode(), read));
                }
            }
        }

        private boolean take(Message message, Predicate<Message> each) throws IOException {
            // Nothing is acknowledged, so nothing that got lost on the way would come again.
            if (message.metaData().consumerSequence() != read + 1) {
                throw new IOException("the connection was interrupted, after %d messages".formatted(read));
            }
            read++;
            left--;
            next = message.metaData().streamSequence() + 1;
            return each.test(message);
        }
    }

    private static ConsumerInfo open(JetStreamManagement management, Range range)
            throws IOException, JetStreamApiException {
        ConsumerConfiguration.Builder consumer = ConsumerConfiguration.builder()
                .name("reader-" + NUID.nextGlobal())
                .ackPolicy(AckPolicy.None)
                .memStorage(true)
                .numReplicas(1)
                .inactiveThreshold(IDLE)
                .headersOnly(range.headersOnly);
        if (!range.filters.isEmpty()) {
            consumer.filterSubjects(range.filters);
        }
        Instant since = range.since;
        if (since == null) {
            consumer.deliverPolicy(DeliverPolicy.ByStartSequence).startSequence(range.from);
        } else {
            consumer.deliverPolicy(DeliverPolicy.ByStartTime).startTime(since.atZone(ZoneOffset.UTC));
        }
        return management.createConsumer(range.stream, consumer.build());
    }

    private static void close(JetStreamManagement management, ConsumerInfo consumer) {
        try {
            management.deleteConsumer(consumer.getStreamName(), consumer.getName());
        } catch (JetStreamApiException | IOException | IllegalStateException e) {
            log.debug("stream {}: consumer {} goes by itself: {}", consumer.getStreamName(), consumer.getName(), e);
        }
    }

    private static IOException failure(String stream, Exception e) {
        return new IOException("stream %s could not be read: %s".formatted(stream, e.getMessage()), e);
    }
}
