package dev.saf.consumer.delivery;

import dev.saf.jetstream.NatsConnection;
import io.nats.client.api.ConsumerInfo;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One channel at work: where its events come from, and their deliveries. */
public final class RunningChannel {

    private static final Logger log = LoggerFactory.getLogger(RunningChannel.class);

    private final ConfiguredChannel channel;
    private final Deliveries deliveries;
    private final List<Supply> supplies;

    RunningChannel(ConfiguredChannel channel, NatsConnection nats, Surroundings surroundings, ChannelMetrics metrics) {
        this.channel = channel;
        this.deliveries = new Deliveries(channel, surroundings, List.of(), metrics);
        this.supplies = channel.intake().mode() == Intake.Mode.CORE
                ? List.of(new CoreSubscription(channel, nats, deliveries))
                : List.of(
                        new Subscription(channel, Source.events(channel.name()), nats, deliveries, metrics),
                        new Subscription(channel, Source.due(channel.name()), nats, deliveries, metrics));
        supplies.forEach(each -> deliveries.attach(each.source()));
        metrics.gauge(
                "saf.channel.running",
                "1 while the channel gets its events, else 0",
                this,
                self -> self.condition().state() == Subscription.State.RUNNING ? 1 : 0);
        metrics.gauge(
                "saf.channel.backlog",
                "Events of this channel that are not settled, as of some seconds ago",
                this,
                RunningChannel::backlog);
    }

    /** As in {@code saf.channels.<name>}. */
    public String name() {
        return channel.name();
    }

    Subscription.Condition condition() {
        return supplies.stream()
                .map(Supply::condition)
                .filter(each -> each.state() != Subscription.State.RUNNING)
                .findFirst()
                .orElseGet(supplies.getFirst()::condition);
    }

    Deliveries deliveries() {
        return deliveries;
    }

    /**
     * Events on their stream that are not settled, as of the last look; not a number before the first, or if nothing is
     * kept.
     */
    double backlog() {
        ConsumerInfo known = info();
        return known == null ? Double.NaN : known.getNumPending() + known.getNumAckPending();
    }

    /** How the durable on {@code events} was at the last look, null before the first, or if there is none. */
    @Nullable
    ConsumerInfo info() {
        return supplies.getFirst().info();
    }

    void start() {
        supplies.forEach(Supply::start);
    }

    /** Looks how the durables are. Blocks for as long as the server takes to answer. */
    void look() {
        supplies.forEach(Supply::look);
    }

    /**
     * Stops: pulls no more, gives back what has not begun, waits for what has, and for its confirmation. Then closes
     * the channel.
     */
    void stop() {
        supplies.forEach(Supply::stop);
        supplies.forEach(Supply::awaitStop);
        if (!deliveries.awaitEnd()) {
            log.error("channel {}: some deliveries did not end in time, they will be repeated", channel.name());
        }
        channel.channel().close();
    }
}
