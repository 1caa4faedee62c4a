package dev.saf.consumer.delivery;

import dev.saf.consumer.ledger.StreamReader;
import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.Streams;
import io.nats.client.api.ConsumerInfo;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One channel at work: where its events come from, and their deliveries. */
public final class RunningChannel {

    private static final Logger log = LoggerFactory.getLogger(RunningChannel.class);

    private final ConfiguredChannel channel;
    private final Deliveries deliveries;
    private final List<Supply> supplies;
    private final NatsConnection nats;
    private final Circuit circuit;
    private final @Nullable Expiry expiry;
    private final @Nullable Order order;
    private final ChannelControl control;
    private final ChannelCounts counts;
    private final ChannelMetrics metrics;
    private final List<RunningReplay> replays = new CopyOnWriteArrayList<>();
    private final Throughput throughput = new Throughput();

    RunningChannel(ConfiguredChannel channel, NatsConnection nats, Surroundings surroundings, ChannelMetrics metrics) {
        this.channel = channel;
        this.nats = nats;
        this.metrics = metrics;
        this.circuit = new Circuit(
                channel.name(), channel.settings(), UUID.randomUUID().toString(), System::nanoTime);
        this.control = new ChannelControl(channel.name(), surroundings.shared(), circuit, System::nanoTime);
        this.deliveries = new Deliveries(channel, surroundings, List.of(control, circuit), circuit, metrics);
        if (channel.intake().mode() == Intake.Mode.CORE) {
            this.supplies = List.of(new CoreSubscription(channel, nats, deliveries));
            this.expiry = null;
            this.order = null;
        } else {
            Subscription events = new Subscription(channel, Source.events(channel.name()), nats, deliveries, metrics);
            Subscription due = new Subscription(channel, Source.due(channel.name()), nats, deliveries, metrics);
            this.supplies = List.of(events, due);
            this.expiry = expiry(events, surroundings);
            this.order = channel.intake().isOrdered()
                    ? new Order(channel, deliveries, events, due, surroundings, nats)
                    : null;
        }
        this.counts = new ChannelCounts(channel.name(), supplies, surroundings.stored(), new StreamReader(nats));
        if (order != null) {
            deliveries.keep(order);
            metrics.gauge(
                    "saf.channel.order.holder",
                    "1 if this process delivers the events of a channel with an order, else 0",
                    order,
                    held -> held.isHolder() ? 1 : 0);
        }
        supplies.forEach(each -> deliveries.attach(each.source()));
        surroundings.trials().attach(deliveries);
        metrics.gauge(
                "saf.channel.running",
                "1 while the channel gets its events, else 0",
                this,
                self -> self.condition().state() == Supply.State.RUNNING ? 1 : 0);
        metrics.gauge(
                "saf.channel.circuit",
                "1 while the destination is left alone because it fails, 0.5 while one event is tried, else 0",
                circuit,
                Circuit::degree);
        metrics.gauge(
                "saf.channel.paused",
                "1 while an operator wants no deliveries, else 0",
                this,
                self -> self.states().contains(ChannelStatus.State.PAUSED) ? 1 : 0);
        metrics.gauge(
                "saf.channel.rate.limited",
                "1 while events wait because of the channel's rate, else 0",
                deliveries.admission(),
                each -> each.isRateLimited() ? 1 : 0);
        metrics.gauge(
                "saf.channel.backlog",
                "Events of this channel that are not settled, as of some seconds ago",
                this,
                RunningChannel::backlog);
        metrics.gauge("saf.channel.replays", "Replays at work in this process", replays, List::size);
    }

    private Expiry expiry(Subscription events, Surroundings surroundings) {
        Expiry made = new Expiry(
                events,
                deliveries,
                surroundings.stored(),
                // What is not important may vanish.
                channel.intake().isAtMostOnce() ? () -> ShelfLife.FOR_EVER : surroundings::shelfLife);
        metrics.gauge(
                "saf.channel.oldest.age",
                "Seconds since the oldest event was stored that is not settled, as of some seconds ago",
                made,
                Expiry::oldestAge);
        return made;
    }

    /** As in {@code saf.channels.<name>}. */
    public String name() {
        return channel.name();
    }

    /** Whether events with this subject come to this channel. */
    public boolean wants(String subject) {
        return channel.settings().subjects().stream()
                .anyMatch(pattern -> matches(pattern.split("\\."), subject.split("\\.")));
    }

    private static boolean matches(String[] pattern, String[] subject) {
        for (int i = 0; i < pattern.length; i++) {
            if (pattern[i].equals(">")) {
                return subject.length > i;
            }
            if (i >= subject.length || (!pattern[i].equals("*") && !pattern[i].equals(subject[i]))) {
                return false;
            }
        }
        return pattern.length == subject.length;
    }

    /** Whether this process has an event of the stream {@code events} and has not settled it yet. */
    public boolean holds(long sequence) {
        return supplies.getFirst().source().open.containsKey(sequence);
    }

    /** Whether the server remembers what the channel has had, and keeps what it has not. */
    public boolean hasDurable() {
        return channel.intake().mode() == Intake.Mode.STREAM;
    }

    /** Whether a durable is one of this channel's, those of its replays included. */
    public boolean owns(String stream, String durable) {
        return supplies.stream()
                        .map(Supply::source)
                        .filter(source -> source.kind != Source.Kind.CORE)
                        .anyMatch(source -> source.kind.stream.equals(stream)
                                && source.durable().equals(durable))
                || (stream.equals(Streams.EVENTS) && durable.startsWith(Source.durable(name(), "")));
    }

    /** Which events the channel gets, as in {@code saf.channels.<name>.subjects}. */
    public List<String> subjects() {
        return channel.settings().subjects();
    }

    /**
     * Makes a durable for a replay, unless it is there. Nothing is handed out yet.
     *
     * @throws IOException if NATS is away; then it is not known whether it has been made
     */
    public void prepare(Replay replay) throws IOException {
        new ReplayDurables(nats).create(channel, replay);
    }

    /**
     * Begins to offer the events of a replay that is prepared, or goes on with it, beside the channel's others.
     *
     * @param mayAsk whether this process may do so now; asked often, and must not block
     */
    public RunningReplay replay(Replay replay, BooleanSupplier mayAsk) {
        Source source = Source.replay(name(), replay, mayAsk);
        Subscription subscription = new Subscription(channel, source, nats, deliveries, metrics);
        RunningReplay started = new RunningReplay(subscription, deliveries);
        replays.add(started);
        started.start();
        return started;
    }

    /** Asks for no more of a replay's events, and gives back what has not begun. What has goes on to its end. */
    public void stop(RunningReplay replay) {
        replay.stop();
        replays.remove(replay);
    }

    Supply.Condition condition() {
        return supplies.stream()
                .map(Supply::condition)
                .filter(each -> each.state() != Supply.State.RUNNING)
                .findFirst()
                .orElseGet(supplies.getFirst()::condition);
    }

    Deliveries deliveries() {
        return deliveries;
    }

    Circuit circuit() {
        return circuit;
    }

    /**
     * No deliveries from now on, in all processes and until {@link #resume}, also after a restart; those under way end.
     * The events are kept. Changes nothing if it is so already.
     *
     * @throws IOException if NATS is away; then it is not known whether the others have been told
     */
    public void pause() throws IOException {
        control.pause();
    }

    /**
     * Ends a {@link #pause}, in all processes. An open circuit stays open. Changes nothing if there is no pause.
     *
     * @throws IOException if NATS is away; then it is not known whether the others have been told
     */
    public void resume() throws IOException {
        control.resume();
    }

    /**
     * How the channel is. Asks NATS, unless it has done so within the last seconds.
     *
     * @throws IOException if NATS is away
     */
    public ChannelStatus status() throws IOException {
        ChannelCounts.Counted counted = counts.get();
        List<ChannelStatus.State> states = states(counted.paused());
        return new ChannelStatus(
                name(),
                states.getFirst(),
                states,
                problem(states),
                control.pausedSince(),
                circuit.openSince(),
                new ChannelStatus.Deliveries(
                        deliveries.admission().running(),
                        deliveries.held(),
                        deliveries.admission().longCalls().stuck(),
                        order == null ? null : order.isHolder(),
                        deliveries.admission().longCalls().longest()),
                counted.stored(),
                throughput.perSecond(),
                deliveries.handler().lastError());
    }

    /** Everything that is so, what matters most first; asks nobody. */
    List<ChannelStatus.State> states() {
        return states(false);
    }

    private List<ChannelStatus.State> states(boolean pausedByTool) {
        List<ChannelStatus.State> states = new ArrayList<>();
        switch (condition().state()) {
            case STOPPED -> states.add(ChannelStatus.State.STOPPED);
            case WAITING -> states.add(ChannelStatus.State.WAITING);
            case RUNNING -> {
                if (!control.isKnown() || (order != null && order.problem() != null)) {
                    states.add(ChannelStatus.State.WAITING);
                }
            }
        }
        if (control.pausedSince() != null || pausedByTool || supplies.stream().anyMatch(RunningChannel::isPaused)) {
            states.add(ChannelStatus.State.PAUSED);
        }
        switch (circuit.state()) {
            case OPEN, ELSEWHERE -> states.add(ChannelStatus.State.BROKEN_CIRCUIT);
            case HALF_OPEN -> states.add(ChannelStatus.State.HALF_OPEN);
            case CLOSED -> {}
        }
        if (deliveries.admission().longCalls().isStuck()) {
            states.add(ChannelStatus.State.STUCK);
        }
        if (deliveries.admission().isRateLimited()) {
            states.add(ChannelStatus.State.RATE_LIMITED);
        }
        if (states.isEmpty()) {
            states.add(ChannelStatus.State.RUNNING);
        }
        return List.copyOf(states);
    }

    private static boolean isPaused(Supply supply) {
        ConsumerInfo known = supply.info();
        return known != null && known.getPaused();
    }

    /** What keeps events from being delivered, in sentences; null if nothing does. */
    @Nullable
    String problem(List<ChannelStatus.State> states) {
        String problems = states.stream()
                .map(this::problem)
                .filter(Objects::nonNull)
                .distinct()
                .collect(Collectors.joining("; "));
        return problems.isEmpty() ? null : problems;
    }

    private @Nullable String problem(ChannelStatus.State state) {
        Instant pausedSince = control.pausedSince();
        return switch (state) {
            case STOPPED -> condition().problem();
            case WAITING ->
                condition().problem() != null
                        ? condition().problem()
                        : order != null && order.problem() != null
                                ? order.problem()
                                : "does not know yet whether it is paused";
            case PAUSED ->
                pausedSince == null
                        ? "a durable consumer is paused on the server (nats consumer resume)"
                        : "paused since " + pausedSince;
            case BROKEN_CIRCUIT, HALF_OPEN ->
                "the destination cannot be reached and is left alone, but for one event from time to time"
                        + (circuit.openSince() == null ? "" : ", since " + circuit.openSince());
            case STUCK -> stuck();
            case RATE_LIMITED ->
                "no more than %s deliveries a second, as rate.limit says, and events wait because of that"
                        .formatted(channel.settings().rate().limit());
            case RUNNING -> null;
        };
    }

    private @Nullable String stuck() {
        LongCalls calls = deliveries.admission().longCalls();
        ChannelStatus.LongCall longest = calls.longest();
        if (longest == null) {
            // It has just ended.
            return null;
        }
        String what = calls.stuck() > 0
                ? calls.stuck() + " calls do not end though they were interrupted"
                : "calls keep as many processors as there are, and nothing more starts until one ends";
        return "%s; the longest is that with event %s (sequence %d), since %s"
                .formatted(what, longest.event(), longest.sequence(), longest.since());
    }

    /** Goes on with time. To be called about ten times a second. */
    void advance() {
        circuit.tick();
        throughput.look(System.nanoTime(), metrics.delivered.count(), metrics.failed.count());
    }

    /**
     * Learns what all processes have agreed on. To be called about ten times a second; blocks for as long as NATS takes
     * to answer.
     *
     * @throws IOException if it does not
     */
    void agree() throws IOException {
        control.refresh();
    }

    /** Nothing of what all processes have agreed on could be read. */
    void missed(IOException why) {
        control.missed(why, condition().state() == Supply.State.RUNNING);
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
        if (order != null) {
            order.start();
        }
    }

    /** What is to be done about ten times a second. Blocks nobody. */
    void lookAfter() {
        deliveries.lookAfter();
        if (expiry != null) {
            expiry.lookAfter();
        }
    }

    /** Looks how the durables are. Blocks for as long as the server takes to answer. */
    void look() {
        supplies.forEach(Supply::look);
        replays.forEach(RunningReplay::look);
    }

    /**
     * Stops: pulls no more, gives back what has not begun, waits for what has, and for its confirmation. Then closes
     * the channel.
     */
    void stop() {
        supplies.forEach(Supply::stop);
        replays.forEach(this::stop);
        supplies.forEach(Supply::awaitStop);
        if (order != null) {
            order.stop();
        }
        boolean ended = deliveries.awaitEnd();
        if (order != null) {
            order.release();
        }
        if (!ended) {
            log.error("channel {}: some deliveries did not end in time, they will be repeated", channel.name());
        }
        channel.channel().close();
    }
}
