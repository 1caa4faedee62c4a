package dev.saf.consumer.delivery;

import dev.saf.consumer.delivery.Subscription.Condition;
import dev.saf.consumer.delivery.Subscription.State;
import dev.saf.event.WireFormat;
import dev.saf.jetstream.NatsConnection;
import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.Message;
import io.nats.client.api.ConsumerInfo;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The light-weight way to a channel: core NATS, in a queue group that all processes share. Nobody keeps anything: an
 * event that comes while no process listens, or more than can be delivered, is gone for this channel.
 */
final class CoreSubscription implements Supply {

    private static final Logger log = LoggerFactory.getLogger(CoreSubscription.class);
    private static final Duration LOOK = Duration.ofMillis(50);
    private static final Duration FLUSH = Duration.ofSeconds(2);

    private final ConfiguredChannel channel;
    private final Source source;
    private final NatsConnection nats;
    private final Deliveries deliveries;
    private final AtomicLong numbers = new AtomicLong();
    private volatile Condition condition = new Condition(State.WAITING, "has not started yet");
    private volatile boolean stopping;
    private volatile @Nullable Thread thread;

    CoreSubscription(ConfiguredChannel channel, NatsConnection nats, Deliveries deliveries) {
        this.channel = channel;
        this.source = Source.core(channel.name());
        this.nats = nats;
        this.deliveries = deliveries;
    }

    @Override
    public Source source() {
        return source;
    }

    @Override
    public Condition condition() {
        return condition;
    }

    @Override
    public @Nullable ConsumerInfo info() {
        return null;
    }

    @Override
    public @Nullable ConsumerInfo ask() {
        return null;
    }

    @Override
    public void start() {
        thread = Thread.ofVirtual().name(source.durable()).start(this::run);
    }

    @Override
    public void stop() {
        stopping = true;
        LockSupport.unpark(thread);
    }

    @Override
    public void awaitStop() {
        Thread loop = thread;
        if (loop != null) {
            try {
                loop.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        condition = new Condition(State.STOPPED, "the service stops");
    }

    @Override
    public void look() {
        // There is no durable to look at.
    }

    private void run() {
        while (!stopping) {
            Connection connection = nats.current();
            if (connection == null) {
                isWaiting();
            } else {
                isRunning();
                if (!deliveries.isHeldBack()) {
                    listen(connection);
                }
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
    }

    /**
     * Listens for as long as this client lives, which subscribes again by itself when it has reconnected; and as this
     * process may deliver, or it would take from the group what others could.
     */
    private void listen(Connection connection) {
        Dispatcher dispatcher;
        try {
            dispatcher = connection.createDispatcher(this::take);
        } catch (IllegalStateException e) {
            log.debug("channel {}: the connection was just closed", source.name(), e);
            return;
        }
        try {
            for (String subject : channel.settings().subjects()) {
                dispatcher.subscribe(WireFormat.SUBJECT_PREFIX + subject, source.durable());
            }
            connection.flush(FLUSH);
            while (!stopping && !deliveries.isHeldBack() && connection.getStatus() != Connection.Status.CLOSED) {
                if (connection.equals(nats.current())) {
                    isRunning();
                } else {
                    isWaiting();
                }
                LockSupport.parkNanos(LOOK.toNanos());
            }
        } catch (IllegalStateException | InterruptedException | TimeoutException e) {
            log.debug("channel {}: listens anew", source.name(), e);
        } finally {
            leave(dispatcher);
        }
    }

    /** Takes what is still on its way, once the server has heard that no more is wanted. */
    private static void leave(Dispatcher dispatcher) {
        try {
            var _ = dispatcher.drain(Duration.ofSeconds(1)).get();
        } catch (InterruptedException | ExecutionException | IllegalStateException e) {
            // Over already.
        }
    }

    private void take(Message message) {
        deliveries.takeOrDrop(source, message, numbers.incrementAndGet());
    }

    private void isRunning() {
        if (condition.state() != State.RUNNING) {
            condition = new Condition(State.RUNNING, null);
            log.info("channel {}: gets its events, from core NATS", source.name());
        }
    }

    private void isWaiting() {
        if (condition.problem() == null || condition.state() != State.WAITING) {
            log.warn("channel {}: waits, not connected to NATS", source.name());
        }
        condition = new Condition(State.WAITING, "not connected to NATS");
    }
}
