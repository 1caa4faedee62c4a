package dev.saf.consumer.delivery;

import dev.saf.consumer.delivery.Lanes.Move;
import dev.saf.consumer.delivery.Lanes.Overdue;
import dev.saf.consumer.delivery.Lanes.Place;
import dev.saf.consumer.delivery.Lanes.Version;
import dev.saf.consumer.ledger.Lease;
import dev.saf.consumer.ledger.ParkedEvents;
import dev.saf.consumer.ledger.ParkedEvents.Waiting;
import dev.saf.consumer.ledger.Parking;
import dev.saf.consumer.ledger.Passage;
import dev.saf.event.CloudEvents;
import dev.saf.jetstream.NatsConnection;
import io.nats.client.JetStreamApiException;
import io.nats.client.Message;
import io.nats.client.api.ConsumerInfo;
import io.nats.client.impl.Headers;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the order of a channel's events by key. One process at a time gets the channel's events, the one that holds its
 * lease; {@link Lanes} says which of them may start.
 *
 * <p>The lease only keeps processes from getting into each other's way. What makes it safe is that nothing starts
 * before this process has, or knows of, every event that was handed out to anybody and is not settled: what its
 * predecessor left comes here first. From then on the server's count of what it hands out must go on without a gap;
 * after one, somebody else may have an event, or it got lost on its way, and all begins anew.
 */
final class Order {

    /**
     * Where an event belongs.
     *
     * @param key what it has in common with those it is to be in order with
     */
    record Ticket(String key, Place place, Version version) {}

    /**
     * An event that waits on {@code later}.
     *
     * @param behind whether only because one before it does
     */
    record Parked(Version version, Instant due, boolean behind) {

        /** @param passage as it was before it was parked */
        static Parked of(Passage passage, Instant due, boolean behind) {
            return new Parked(new Version(passage.parkings() + 1, passage.attempts()), due, behind);
        }
    }

    private static final Logger log = LoggerFactory.getLogger(Order.class);
    private static final Duration STEP = Duration.ofMillis(100);
    private static final long SECOND_NANOS = Duration.ofSeconds(1).toNanos();
    private static final long PATIENCE_NANOS = Duration.ofSeconds(5).toNanos();
    private static final long GRACE_MILLIS = 5_000;
    private static final int MAX_LOOK_UPS = 100;

    /** How much later than the one before it a parked event is due if nobody sends it, as one does. */
    private static final Duration MARGIN = Duration.ofHours(1);

    private static final Duration NOT_NOW = Duration.ofSeconds(1);

    /** How many are parked or sent at once. */
    private static final int AT_ONCE = 16;

    /** What has come and waits, where nothing else is here, at one moment. */
    private record Stock(Set<Delivery> events, Set<Delivery> due, long lastEvent, long lastDue, int gaps) {

        boolean isStillIn(Stock later) {
            return gaps == later.gaps && later.events.containsAll(events) && later.due.containsAll(due);
        }
    }

    private final ConfiguredChannel channel;
    private final OrderingKey key;
    private final Deliveries deliveries;
    private final Handler handler;
    private final Answers answers;
    private final Subscription events;
    private final Subscription due;

    /** Guarded by the lanes, as is the other one. */
    private final Tally ofEvents;

    private final Tally ofDue;
    private final Whereabouts whereabouts;
    private final Lease lease;
    private final ParkedEvents parkedEvents;
    private final int most;
    private final Lanes<Delivery> lanes = new Lanes<>(System::currentTimeMillis);
    private final Semaphore places = new Semaphore(AT_ONCE);
    private final LogLimit warnings = new LogLimit(5, Duration.ofSeconds(10));
    private final Thread.Builder.OfVirtual threads;
    private volatile boolean stopping;
    private volatile @Nullable String problem;
    private @Nullable Thread thread;

    /** Only for the thread that looks after it. */
    private boolean holder;

    private long nextRenewalNanos = System.nanoTime();
    private long nextLookNanos = System.nanoTime();
    private long nextTellNanos = System.nanoTime() + PATIENCE_NANOS;
    private long waitsSinceNanos;

    Order(
            ConfiguredChannel channel,
            Deliveries deliveries,
            Subscription events,
            Subscription due,
            Surroundings surroundings,
            NatsConnection nats) {
        this.channel = channel;
        this.key = channel.intake().key();
        this.deliveries = deliveries;
        this.handler = deliveries.handler();
        this.answers = deliveries.answers();
        this.events = events;
        this.due = due;
        this.ofEvents = new Tally(events.source());
        this.ofDue = new Tally(due.source());
        this.whereabouts = new Whereabouts(channel.name(), surroundings.stored(), events, due);
        this.lease = new Lease(
                surroundings.shared(),
                "order-" + channel.name(),
                ManagementFactory.getRuntimeMXBean().getName());
        this.parkedEvents = new ParkedEvents(nats);
        this.most = (int) Math.max(1, channel.maxAckPending() / 2);
        this.threads = Thread.ofVirtual().name("saf-order-" + channel.name());
        events.source().whenSettled(this::settled);
        due.source().whenSettled(this::settled);
    }

    /** Whether it is this process that gets the channel's events. */
    boolean isHolder() {
        return lease.held();
    }

    /**
     * What keeps this process from delivering in order, as a sentence; null if nothing does, or another one does it.
     */
    @Nullable
    String problem() {
        return problem;
    }

    void start() {
        thread = threads.start(this::run);
    }

    /** Starts nothing any more, and gives back what waits. */
    void stop() {
        stopping = true;
        LockSupport.unpark(thread);
        Thread running = thread;
        try {
            if (running != null) {
                running.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        close().forEach(answers::giveBackUntried);
    }

    /** Lets another process have the channel. To be called when nothing of its events is here any more. */
    void release() {
        try {
            lease.release();
        } catch (IOException e) {
            log.debug("channel {}: the lease ends by itself", channel.name(), e);
        }
    }

    /** Events that have come and wait for others of their key. */
    int waiting() {
        synchronized (lanes) {
            return lanes.waiting();
        }
    }

    /** The same of one source. */
    int waiting(Source source) {
        synchronized (lanes) {
            return lanes.waiting(delivery -> delivery.source.equals(source));
        }
    }

    /**
     * How many more events of a source may come, of as many as could start. When there is a reason to take none, one
     * comes now and then all the same: what is handed out again comes first, and may be what all others wait for.
     */
    int room(Source source, int free) {
        Tally tally = tally(source);
        if (tally == null || free <= 0) {
            return free;
        }
        if (!lease.held()) {
            return 0;
        }
        synchronized (lanes) {
            // What is due is nearly always what others wait for.
            if (lanes.isOpen() && (source.kind == Source.Kind.DUE || lanes.waiting() < most)) {
                return free;
            }
            return tally.mayTrickle(System.nanoTime()) ? 1 : 0;
        }
    }

    private @Nullable Tally tally(Source source) {
        return switch (source.kind) {
            case EVENTS -> ofEvents;
            case DUE -> ofDue;
            case REPLAY, CORE -> null;
        };
    }

    /**
     * A message has come. Before anything is done with it.
     *
     * @param known whether it is here already
     */
    void saw(Source source, Message message, Position position, boolean known) {
        Tally tally = tally(source);
        if (tally == null) {
            return;
        }
        long number = Position.consumerSequence(message.getReplyTo());
        List<Move<Delivery>> moves = List.of();
        synchronized (lanes) {
            long last = tally.last();
            // What is due is known, whoever gets it.
            if (!tally.arrived(number, known || position.deliveries() > 1) && tally == ofEvents && lanes.isOpen()) {
                log.warn(
                        "channel {}: {} was handed out after {}, so an event got lost or went elsewhere; nothing"
                                + " starts until it is known to be settled, or comes here",
                        channel.name(),
                        number,
                        last);
                moves = beginAnew();
            }
        }
        follow(moves);
    }

    /** Takes an event to start it when it is its turn. False if it is in no order with others. */
    boolean take(Delivery delivery) {
        Ticket ticket = tally(delivery.source) == null ? null : ticket(delivery);
        if (ticket == null) {
            return false;
        }
        delivery.ticket = ticket;
        if (delivery.source.kind == Source.Kind.DUE) {
            threads.start(() -> lookUp(delivery, ticket));
        } else {
            arrived(delivery, ticket);
        }
        return true;
    }

    private @Nullable Ticket ticket(Delivery delivery) {
        try {
            return ticket(
                    delivery.source.passage(delivery.message(), delivery.position),
                    delivery.message().getHeaders());
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private @Nullable Ticket ticket(Passage passage, @Nullable Headers headers) {
        String value = passage.isOutOfOrder() ? null : key.of(passage.subject(), headers);
        return value == null
                ? null
                : new Ticket(
                        value,
                        new Place(passage.sequence(), passage.storedNanos()),
                        new Version(passage.parkings(), passage.attempts()));
    }

    /** Of several messages on a due subject only the first is to come into the lanes. */
    private void lookUp(Delivery delivery, Ticket ticket) {
        Step step = handler.lookUp(delivery);
        if (step instanceof Step.Offer) {
            arrived(delivery, ticket);
            return;
        }
        if (delivery.counts()) {
            // Cancelled.
            follow(decide(() -> lanes.cancelled(ticket.key, ticket.place)));
        }
        handler.follow(delivery, step);
    }

    private void arrived(Delivery delivery, Ticket ticket) {
        follow(decide(() -> lanes.arrived(ticket.key, ticket.place, ticket.version, delivery)));
        if (stopping) {
            close().forEach(answers::giveBackUntried);
        }
    }

    /** It was not settled, and is given back. */
    void away(Delivery delivery, Duration pause) {
        follow(decide(() -> lanes.away(delivery, pause.toMillis())));
    }

    /** It was to be parked, and nobody knows whether it is. */
    void mayBeParked(Delivery delivery) {
        synchronized (lanes) {
            lanes.mayBeParked(delivery);
        }
    }

    /** Only once the server knows: what is repeated after a crash is never an event that later ones have overtaken. */
    private void settled(Delivery delivery) {
        Parked later = delivery.parked;
        follow(decide(() -> later == null
                ? lanes.done(delivery)
                : lanes.parked(delivery, later.version(), later.due().toEpochMilli(), later.behind())));
    }

    /** Takes an event that waits out of its row. False if it does not wait. */
    boolean withdraw(Delivery delivery) {
        synchronized (lanes) {
            return lanes.withdraw(delivery);
        }
    }

    /** Puts it back; or gives it back, if all has begun anew without it. */
    void back(Delivery delivery) {
        boolean waits;
        List<Move<Delivery>> moves;
        synchronized (lanes) {
            moves = lanes.back(delivery);
            waits = lanes.isHere(delivery);
        }
        follow(moves);
        if (!waits) {
            answers.giveBackUntried(delivery);
        }
    }

    /** What a parked event is to carry about its place. */
    static Map<String, String> headers(Delivery delivery) {
        Ticket ticket = delivery.ticket;
        return ticket == null ? Map.of() : Map.of(Parking.KEY, CloudEvents.encode(ticket.key));
    }

    private List<Move<Delivery>> decide(Supplier<List<Move<Delivery>>> decision) {
        synchronized (lanes) {
            return decision.get();
        }
    }

    private void follow(List<Move<Delivery>> moves) {
        for (Move<Delivery> move : moves) {
            switch (move) {
                case Move.Start<Delivery>(Delivery delivery) -> begin(delivery);
                case Move.PutBehind<Delivery> behind -> threads.start(() -> putBehind(behind));
                case Move.Send<Delivery>(Place place, Version version) -> threads.start(() -> send(place, version));
                case Move.Repeated<Delivery>(Delivery delivery) -> answers.suppress(delivery);
                case Move.Again<Delivery>(Delivery delivery) -> answers.postpone(delivery, NOT_NOW);
            }
        }
    }

    private void begin(Delivery delivery) {
        boolean doubtful;
        synchronized (lanes) {
            doubtful = lanes.isDoubtful(delivery);
        }
        if (doubtful) {
            threads.start(() -> beginInDoubt(delivery, Objects.requireNonNull(delivery.ticket)));
        } else {
            deliveries.begin(delivery);
        }
    }

    /** It may be parked, though nobody has confirmed that: then that one counts, and nobody may ever offer both. */
    private void beginInDoubt(Delivery delivery, Ticket ticket) {
        Parked newest = null;
        try {
            for (Waiting each : parkedEvents.ofEvent(channel.name(), ticket.place.sequence(), ticket.place.life())) {
                Version version =
                        new Version(each.passage().parkings(), each.passage().attempts());
                if (version.compareTo(newest == null ? ticket.version : newest.version) > 0) {
                    Instant until = each.due();
                    newest = new Parked(version, until == null ? Instant.now() : until, each.isBehind());
                }
            }
        } catch (IOException | RuntimeException e) {
            log.debug("channel {}: event {} stays in doubt", channel.name(), delivery.position.sequence(), e);
            answers.postpone(delivery, NOT_NOW);
            return;
        }
        if (newest == null) {
            deliveries.begin(delivery);
        } else {
            delivery.parked = newest;
            answers.suppress(delivery);
        }
    }

    private void putBehind(Move.PutBehind<Delivery> move) {
        Delivery delivery = move.message();
        Instant until = Instant.ofEpochMilli(Math.max(System.currentTimeMillis(), move.dueMillis()))
                .plus(MARGIN);
        places.acquireUninterruptibly();
        try {
            handler.parkBehind(delivery, until, headers(delivery, move.behind()));
            answers.acknowledge(delivery);
        } catch (IOException | JetStreamApiException | RuntimeException e) {
            if (warnings.allow(System.nanoTime()) >= 0) {
                log.warn(
                        "channel {}: event {} is to be parked behind event {}, which is not possible, so it waits: {}",
                        channel.name(),
                        delivery.position.sequence(),
                        move.behind().sequence(),
                        Dispatcher.describe(e));
            }
            if (!(e instanceof JetStreamApiException)) {
                mayBeParked(delivery);
            }
            back(delivery);
        } finally {
            places.release();
        }
    }

    private static Map<String, String> headers(Delivery delivery, Place behind) {
        Ticket ticket = Objects.requireNonNull(delivery.ticket);
        return Map.of(Parking.KEY, CloudEvents.encode(ticket.key), Parking.BEHIND, Long.toString(behind.sequence()));
    }

    private void send(Place place, Version version) {
        places.acquireUninterruptibly();
        try {
            // If it is too late, it is due, or gone; and if it is gone, it is missed soon.
            var _ = parkedEvents.sendNow(
                    channel.name(), place.sequence(), place.life(), version.attempts(), version.parkings());
        } catch (IOException | RuntimeException e) {
            log.debug("channel {}: event {} could not be sent yet", channel.name(), place.sequence(), e);
        } finally {
            places.release();
        }
    }

    private void run() {
        while (!stopping) {
            try {
                step();
            } catch (IOException | RuntimeException e) {
                problem = "waits, for it cannot be known what is under way: " + Dispatcher.describe(e);
                log.debug("channel {}: its order", channel.name(), e);
            }
            tellProblem(System.nanoTime());
            if (!stopping) {
                LockSupport.parkNanos(STEP.toNanos());
            }
        }
    }

    /** To the log, if it lasts. */
    private void tellProblem(long now) {
        String last = problem;
        if (last == null) {
            nextTellNanos = now + PATIENCE_NANOS;
        } else if (now - nextTellNanos >= 0) {
            nextTellNanos = now + PATIENCE_NANOS;
            log.warn("channel {}: {}", channel.name(), last);
        }
    }

    private void step() throws IOException {
        long now = System.nanoTime();
        if (now - nextRenewalNanos >= 0) {
            nextRenewalNanos = now + SECOND_NANOS;
            boolean before = holder;
            holder = lease.renew();
            if (before && !holder) {
                log.warn("channel {}: another process delivers its events now", channel.name());
            }
        }
        if (!holder) {
            problem = null;
            // What was asked for before may still come.
            close().forEach(answers::giveBackUntried);
        } else if (isOpen()) {
            problem = null;
            lookAfter(now);
        } else {
            prepare(now);
        }
    }

    private boolean isOpen() {
        synchronized (lanes) {
            return lanes.isOpen();
        }
    }

    private List<Delivery> close() {
        synchronized (lanes) {
            return lanes.close();
        }
    }

    /** What waits goes on waiting; what has begun goes on to its end. */
    private List<Move<Delivery>> beginAnew() {
        List<Move<Delivery>> moves = new ArrayList<>();
        for (Delivery waiting : lanes.close()) {
            Ticket ticket = Objects.requireNonNull(waiting.ticket);
            moves.addAll(lanes.arrived(ticket.key, ticket.place, ticket.version, waiting));
        }
        return moves;
    }

    /** Begins to deliver, once everything that is not settled is here or known. */
    private void prepare(long now) throws IOException {
        if (waitsSinceNanos == 0) {
            waitsSinceNanos = now;
        }
        Stock before = stock();
        ConsumerInfo eventsNow = events.ask();
        ConsumerInfo dueNow = due.ask();
        if (before == null || eventsNow == null || dueNow == null) {
            problem = "waits until what has begun has ended";
            return;
        }
        boolean all = isAll(ofEvents, before.events, before.lastEvent, eventsNow);
        all &= isAll(ofDue, before.due, before.lastDue, dueNow);
        if (!all) {
            problem = "waits until %d events that were handed out before are settled, or come here"
                    .formatted(eventsNow.getNumAckPending()
                            + dueNow.getNumAckPending()
                            - before.events.size()
                            - before.due.size());
            return;
        }
        List<Waiting> waiting = new ArrayList<>();
        parkedEvents.read(channel.name(), dueNow.getDelivered().getStreamSequence(), waiting::add);
        List<Move<Delivery>> moves = new ArrayList<>();
        synchronized (lanes) {
            Stock after = stock();
            if (after == null || !before.isStillIn(after)) {
                return;
            }
            waiting.forEach(each -> moves.addAll(know(each)));
            moves.addAll(lanes.open());
        }
        log.info(
                "channel {}: delivers in order, after {}ms; {} events wait, {} are parked",
                channel.name(),
                Duration.ofNanos(System.nanoTime() - waitsSinceNanos).toMillis(),
                before.events.size() + before.due.size(),
                waiting.size());
        waitsSinceNanos = 0;
        problem = null;
        follow(moves);
    }

    private List<Move<Delivery>> know(Waiting event) {
        Ticket ticket = ticket(event.passage(), event.headers());
        if (ticket == null || event.headers().containsKey(Parking.CANCELLED)) {
            return List.of();
        }
        Instant until = event.due();
        return until == null
                ? lanes.comes(ticket.key, ticket.place, ticket.version)
                : lanes.known(ticket.key, ticket.place, ticket.version, until.toEpochMilli(), event.isBehind());
    }

    /** Null unless all that is here waits, or is in no order. */
    private @Nullable Stock stock() {
        synchronized (lanes) {
            Set<Delivery> fromEvents = new HashSet<>(ofEvents.open());
            Set<Delivery> fromDue = new HashSet<>(ofDue.open());
            return fromEvents.stream().allMatch(this::stays) && fromDue.stream().allMatch(this::stays)
                    ? new Stock(fromEvents, fromDue, ofEvents.last(), ofDue.last(), ofEvents.gaps() + ofDue.gaps())
                    : null;
        }
    }

    private boolean stays(Delivery delivery) {
        return delivery.ticket == null ? !delivery.isSettling() : lanes.isWaiting(delivery);
    }

    private boolean isAll(Tally tally, Set<Delivery> held, long last, ConsumerInfo durable) {
        synchronized (lanes) {
            int size = held.size();
            long unsettled = durable.getNumAckPending();
            if (tally.isAll(size, last, unsettled, durable.getDelivered().getConsumerSequence())) {
                tally.areFine();
                return true;
            }
            if (!tally.areOdd(size, unsettled, System.nanoTime())) {
                return false;
            }
        }
        held.stream().filter(this::withdraw).forEach(answers::giveBackUntried);
        return false;
    }

    private void lookAfter(long now) throws IOException {
        if (now - nextLookNanos < 0) {
            follow(decide(() -> lanes.waiting() >= most ? lanes.relieve(true) : List.of()));
            return;
        }
        nextLookNanos = now + SECOND_NANOS;
        follow(decide(() -> lanes.relieve(lanes.waiting() >= most)));
        if (!deliveries.admission().isHeldBack()) {
            List<Overdue> overdue;
            synchronized (lanes) {
                overdue = lanes.overdue(GRACE_MILLIS);
            }
            for (Overdue each : overdue.subList(0, Math.min(MAX_LOOK_UPS, overdue.size()))) {
                miss(each);
            }
        }
    }

    /** An event that others wait for has not come. */
    private void miss(Overdue missing) throws IOException {
        switch (whereabouts.of(missing.place(), missing.version())) {
            case PARKED -> {
                later(missing);
                if (missing.sent()) {
                    send(missing.place(), missing.version());
                }
            }
            case COMES -> later(missing);
            case GONE -> {
                log.warn(
                        "channel {}: event {} is gone, and holds up nobody",
                        channel.name(),
                        missing.place().sequence());
                follow(decide(() -> lanes.gone(missing)));
            }
            case SETTLED -> {
                log.warn(
                        "channel {}: event {} was settled by somebody else, so all begins anew",
                        channel.name(),
                        missing.place().sequence());
                follow(decide(this::beginAnew));
            }
        }
    }

    private void later(Overdue missing) {
        synchronized (lanes) {
            lanes.expectLater(missing);
        }
    }
}
