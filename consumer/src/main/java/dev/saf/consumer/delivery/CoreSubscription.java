package dev.saf.consumer.delivery;

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
    private final SupplyLoop loop;

    CoreSubscription(ConfiguredChannel channel, NatsConnection nats, Deliveries deliveries) {
        this.channel = channel;
        this.source = Source.core(channel.name());
        this.nats = nats;
        this.deliveries = deliveries;
        this.loop = new SupplyLoop(source, Thread.ofVirtual(), this::run);
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
        return null;
    }

    @Override
    public @Nullable ConsumerInfo ask() {
        return null;
    }

    @Override
    public void look() {
        // There is no durable to look at.
    }

    private void run() {
        while (!loop.isStopping()) {
            Connection connection = nats.current();
            if (connection == null) {
                loop.is(State.WAITING, "not connected to NATS");
            } else {
                loop.is(State.RUNNING, null);
                if (!deliveries.admission().isHeldBack()) {
                    listen(connection);
                }
            }
            loop.pause(LOOK);
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
            while (!loop.isStopping()
                    && !deliveries.admission().isHeldBack()
                    && connection.getStatus() != Connection.Status.CLOSED) {
                if (connection.equals(nats.current())) {
                    loop.is(State.RUNNING, null);
                } else {
                    loop.is(State.WAITING, "not connected to NATS");
                }
                loop.pause(LOOK);
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
}
