package dev.saf.consumer.delivery;

import dev.saf.jetstream.NatsConnection;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.Message;
import io.nats.client.api.ConsumerInfo;
import io.nats.client.impl.Headers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.util.unit.DataSize;

/**
 * One of a channel's places in a stream: pulls events and hands them on to be delivered, on a thread of its own.
 *
 * <p>It pulls by hand, because the client's ways to consume stall for up to a minute and a half when the server has
 * restarted, and buffer more than can start. Never more is asked for than could start now; pulls made before an
 * interruption are void and made anew at once.
 */
final class Subscription implements Supply {

    private static final Logger log = LoggerFactory.getLogger(Subscription.class);
    private static final Duration PATIENCE = Duration.ofMillis(100);
    private static final Duration FLUSH = Duration.ofSeconds(2);
    private static final Duration RECHECK = Duration.ofSeconds(5);
    private static final int STATUS_HEARTBEAT = 100;
    private static final int STATUS_NOTHING = 404;
    private static final int STATUS_EXPIRED = 408;
    private static final int STATUS_CONFLICT = 409;
    private static final int STATUS_NOBODY = 503;

    /** So often nobody may be there to take a pull, a tenth of a second apart, until somebody looks why. */
    private static final int MAX_NOBODY = 10;

    private final ConfiguredChannel channel;
    private final Source source;
    private final NatsConnection nats;
    private final Durable durable;
    private final Deliveries deliveries;
    private final ChannelMetrics metrics;
    private final LogLimit largeMessages = new LogLimit(1, Duration.ofMinutes(1));
    private final AtomicBoolean looking = new AtomicBoolean();
    private final SupplyLoop loop;
    private volatile boolean again;
    private volatile @Nullable ConsumerInfo info;
    private long seenStalledNanos;

    Subscription(
            ConfiguredChannel channel,
            Source source,
            NatsConnection nats,
            Deliveries deliveries,
            ChannelMetrics metrics) {
        this.channel = channel;
        this.source = source;
        this.nats = nats;
        this.durable = new Durable(source, channel);
        this.deliveries = deliveries;
        this.metrics = metrics;
        this.loop = new SupplyLoop(source, Thread.ofPlatform(), this::run);
    }

    @Override
    public Source source() {
        return source;
    }

    @Override
    public SupplyLoop loop() {
        return loop;
    }

    @Override
    public @Nullable ConsumerInfo info() {
        return info;
    }

    /** Looks how the durable is. At most one look at a time; blocks for as long as the server takes to answer. */
    @Override
    public void look() {
        if (condition().state() != State.RUNNING || !looking.compareAndSet(false, true)) {
            return;
        }
        try {
            Connection connection = nats.current();
            if (connection != null) {
                ConsumerInfo found = durable.look(connection);
                if (found == null) {
                    again = true;
                } else {
                    info = found;
                    watch(found);
                }
            }
        } catch (IOException | JetStreamApiException | IllegalStateException e) {
            log.debug("channel {}: no news of {}", source.name(), durable.name(), e);
        } finally {
            looking.set(false);
        }
    }

    @Override
    public @Nullable ConsumerInfo ask() throws IOException {
        Connection connection = nats.current();
        if (connection == null) {
            throw new IOException("not connected to NATS");
        }
        try {
            return durable.look(connection);
        } catch (JetStreamApiException | IllegalStateException e) {
            throw new IOException("%s could not be asked for: %s".formatted(durable.name(), e.getMessage()), e);
        }
    }

    /** Events wait and could start, but none has come since the last look: something is wrong that nobody foresaw. */
    private void watch(ConsumerInfo found) {
        boolean stalled = found.getNumPending() > 0
                && found.getNumAckPending() < most(found)
                && !found.getPaused()
                && deliveries.room(source) > 0;
        long arrival = source.lastArrivalNanos;
        if (stalled && arrival == seenStalledNanos) {
            metrics.stalls.increment();
            log.warn(
                    "channel {}: {} events wait but none came, subscribing anew", source.name(), found.getNumPending());
            again = true;
        }
        seenStalledNanos = stalled ? arrival : 0;
    }

    /** A replay's durable is told another number in the end. */
    private long most(ConsumerInfo found) {
        return source.kind == Source.Kind.REPLAY
                ? found.getConsumerConfiguration().getMaxAckPending()
                : channel.maxAckPending();
    }

    private void run() {
        while (!loop.isStopping()) {
            try {
                Connection connection = nats.current();
                if (connection == null) {
                    loop.is(State.WAITING, "not connected to NATS");
                    loop.pause(Duration.ofMillis(50));
                    continue;
                }
                String problem = durable.ensure(connection);
                if (problem != null) {
                    loop.is(State.STOPPED, problem);
                    loop.pause(RECHECK);
                    continue;
                }
                consume(connection);
            } catch (IOException | JetStreamApiException | RuntimeException e) {
                loop.is(State.WAITING, Dispatcher.describe(e));
                loop.pause(Duration.ofMillis(500));
            } catch (InterruptedException e) {
                // Nobody does that; and this thread is not to end before its time.
                log.warn("channel {}: interrupted", source.name(), e);
            }
        }
    }

    private void consume(Connection connection) throws InterruptedException {
        again = false;
        source.acks.bind(connection);
        String inbox = connection.createInbox() + ".";
        io.nats.client.Subscription messages = connection.subscribe(inbox + "*");
        // The bound is what is asked for.
        messages.setPendingLimits(0, 0);
        try {
            new Loop(connection, messages, inbox).run();
        } finally {
            leave(messages);
        }
    }

    /** Takes what is still on its way, once the server has heard that no more is wanted. */
    private void leave(io.nats.client.Subscription messages) throws InterruptedException {
        try {
            var _ = messages.drain(Duration.ofSeconds(1));
            while (messages.isActive()) {
                Message message = messages.nextMessage(Duration.ofMillis(10));
                if (message != null && !message.isStatusMessage()) {
                    deliveries.take(source, message, System.nanoTime());
                }
            }
        } catch (IllegalStateException e) {
            // Over already.
        }
    }

    /** Pulls over one subscription for as long as it lasts. */
    private final class Loop {

        private static final String TOO_LARGE = "Message Size Exceeds MaxBytes";

        private final Connection connection;
        private final io.nats.client.Subscription messages;
        private final String inbox;
        private final String subject = "$JS.API.CONSUMER.MSG.NEXT." + source.kind.stream + "." + durable.name();
        private final Pulls pulls = new Pulls(channel.settings().concurrency());
        private long epoch = nats.epoch();
        private int nobody;
        private boolean over;

        /** The next message is larger than a whole pull may be. */
        private boolean alone;

        /** When this thread was last seen to run. */
        private long seenNanos = System.nanoTime();

        /** So many of the next messages may be as old as the last moment before this process was frozen. */
        private long old;

        private long oldNanos;

        Loop(Connection connection, io.nats.client.Subscription messages, String inbox) {
            this.connection = connection;
            this.messages = messages;
            this.inbox = inbox;
        }

        void run() throws InterruptedException {
            while (!loop.isStopping() && !again && !over && nobody < MAX_NOBODY) {
                noticeGap(0);
                Connection current = nats.current();
                if (connection.equals(current)) {
                    loop.is(State.RUNNING, null);
                    step();
                } else if (current == null && connection.getStatus() != Connection.Status.CLOSED) {
                    // The client subscribes again by itself.
                    loop.is(State.WAITING, "not connected to NATS");
                    receive(Duration.ofMillis(20));
                } else {
                    return;
                }
            }
        }

        private void step() throws InterruptedException {
            long now = nats.epoch();
            if (now != epoch) {
                epoch = now;
                pulls.forget();
            }
            int wanted = pulls.wanted(deliveries.room(source), System.nanoTime());
            if (wanted > 0 && !pull(wanted)) {
                return;
            }
            // More than was asked for may have come, and is taken all the same: nobody else can have it.
            if (pulls.isIdle() && messages.getPendingMessageCount() == 0) {
                deliveries.awaitRoom(source, PATIENCE);
            } else {
                receive(PATIENCE);
            }
        }

        private boolean pull(int wanted) {
            int most = alone ? 1 : channel.intake().mostPerPull(channel.settings());
            int messages = Math.min(wanted, most);
            DataSize bytes = alone ? null : channel.intake().maxBatchBytes();
            long number = pulls.ask(messages, System.nanoTime());
            try {
                connection.publish(
                        subject,
                        inbox + number,
                        "{\"batch\":%d,\"expires\":%d%s}"
                                .formatted(
                                        messages,
                                        Pulls.EXPIRES_NANOS,
                                        bytes == null ? "" : ",\"max_bytes\":" + bytes.toBytes())
                                .getBytes(StandardCharsets.US_ASCII));
                alone = false;
                return true;
            } catch (IllegalStateException e) {
                // Just lost.
                pulls.forget();
                loop.pause(Duration.ofMillis(20));
                return false;
            }
        }

        private void receive(Duration patience) throws InterruptedException {
            Message message = messages.nextMessage(patience);
            noticeGap(message == null ? 0 : 1);
            if (message == null) {
                return;
            }
            long received = received();
            if (message.isStatusMessage()) {
                status(message);
            } else {
                nobody = 0;
                pulls.arrived();
                deliveries.take(source, message, received);
            }
        }

        /**
         * A process that was frozen does not know it, and finds messages that came long ago; all that came so far is
         * here once the server has answered.
         *
         * @param inHand how many have been taken and not been looked at
         */
        private void noticeGap(int inHand) throws InterruptedException {
            long now = System.nanoTime();
            if (now - seenNanos > channel.settings().ackWait().toNanos() / 2) {
                try {
                    connection.flush(FLUSH);
                } catch (TimeoutException | IllegalStateException e) {
                    log.debug("channel {}: no answer after a gap", source.name(), e);
                }
                old = inHand + messages.getPendingMessageCount();
                oldNanos = seenNanos;
                seenNanos = System.nanoTime();
            } else {
                seenNanos = now;
            }
        }

        /** When the next message came, or earlier. */
        private long received() {
            if (old == 0) {
                return seenNanos;
            }
            old--;
            return oldNanos;
        }

        private void status(Message message) {
            int code = message.getStatus().getCode();
            if (code == STATUS_HEARTBEAT) {
                return;
            }
            boolean inVain = pulls.ended(
                    Long.parseLong(message.getSubject().substring(inbox.length())), missing(message.getHeaders()));
            switch (code) {
                case STATUS_NOTHING, STATUS_EXPIRED -> nobody = 0;
                case STATUS_NOBODY -> {
                    nobody++;
                    loop.pause(PATIENCE);
                }
                case STATUS_CONFLICT -> {
                    String why = message.getStatus().getMessage();
                    if (why.equals(TOO_LARGE)) {
                        tooLarge(inVain);
                        return;
                    }
                    log.debug("channel {}: {}", source.name(), why);
                    over = why.contains("Consumer Deleted") || why.contains("push based");
                    loop.pause(Duration.ofMillis(50));
                }
                default -> {
                    log.warn("channel {}: unexpected answer to a pull, {}", source.name(), message.getStatus());
                    loop.pause(PATIENCE);
                }
            }
        }

        /** What was asked for has come but for what did not fit; unless not even one message fits. */
        private void tooLarge(boolean inVain) {
            if (inVain && !alone) {
                alone = true;
                if (largeMessages.allow(System.nanoTime()) >= 0) {
                    log.warn(
                            "channel {}: an event is larger than max-batch-bytes ({}), and pulled alone",
                            source.name(),
                            channel.intake().maxBatchBytes());
                }
            }
        }

        private static int missing(@Nullable Headers headers) {
            String value = headers == null ? null : headers.getFirst("Nats-Pending-Messages");
            try {
                return value == null ? -1 : Integer.parseInt(value);
            } catch (NumberFormatException e) {
                return -1;
            }
        }
    }
}
