package dev.saf.consumer.delivery;

import dev.saf.consumer.ledger.Parking;
import dev.saf.consumer.ledger.Passage;
import dev.saf.consumer.ledger.Reason;
import dev.saf.event.Event;
import dev.saf.event.InvalidEventException;
import dev.saf.jetstream.EventMessages;
import dev.saf.jetstream.EventSpan;
import io.nats.client.JetStreamApiException;
import io.nats.client.Message;
import io.nats.client.api.MessageInfo;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * All deliveries of one channel, wherever its events come from: starts each on a virtual thread, sees that it ends in
 * time, and settles it. An event stays here until the server has confirmed its acknowledgement, or it was given back.
 */
final class Deliveries {

    private static final Logger log = LoggerFactory.getLogger(Deliveries.class);
    private static final long ACK_REPEAT_NANOS = Duration.ofSeconds(2).toNanos();
    private static final int MAX_ACK_REPEATS = 15;

    /** After so many a redriven event is delivered even if nobody can say that its dead letter is gone. */
    private static final int MAX_LOOK_UPS = 3;

    /** So many events may wait here only because their stream is about to drop them. */
    private static final int MAX_EXPIRING = 64;

    /**
     * So many deliveries may have been started and not have come to run. More would only wait in one row with those of
     * other channels, which must come to run before them if this channel keeps all processors.
     */
    private static final int MOST_STARTING = 2 * LongCalls.MANY;

    /** How long after its interruption a delivery counts as stuck. */
    private static final long STUCK_NANOS = Duration.ofSeconds(5).toNanos();

    /** What the rate will let go so soon is asked for already: twice as long as a thread that pulls may wait. */
    private static final Duration AHEAD = Duration.ofMillis(250);

    /** Events that had to wait for the rate so recently count as waiting still. */
    private static final long RATE_LIMITED_NANOS = Duration.ofSeconds(1).toNanos();

    /** The longest and the shortest time between two looks whether the rate lets an event go. */
    private static final long LOOK_NANOS = Duration.ofMillis(100).toNanos();

    private static final long SHORT_LOOK_NANOS = Duration.ofMillis(1).toNanos();

    /** The server's header on a message whose body it has left out. */
    private static final String LEFT_OUT = "Nats-Msg-Size";

    private final ConfiguredChannel channel;
    private final Surroundings surroundings;
    private final ChannelMetrics metrics;
    private final List<Restraint> restraints;
    private final Circuit circuit;

    /** Null for no bound. */
    private final @Nullable Pace pace;

    private final AtomicBoolean waitingForPace = new AtomicBoolean();
    private final Dispatcher dispatcher;
    private final Thread.Builder.OfVirtual threads;
    private final List<Source> sources = new CopyOnWriteArrayList<>();
    private final Held held = new Held();

    /** Events that nobody has brought to an end, though they were handed out so often. */
    private final Held suspects = new Held();

    private final AtomicInteger running = new AtomicInteger();
    private final AtomicInteger starting = new AtomicInteger();
    private final LongCalls longCalls;
    private final Steps steps;
    private final LogLimit warnings = new LogLimit(10, Duration.ofSeconds(10));
    private final InstantSource clock = InstantSource.system();
    private final Set<Thread> waiting = ConcurrentHashMap.newKeySet();
    private volatile long lastStartNanos = System.nanoTime();
    private volatile long rateLimitedNanos = lastStartNanos - RATE_LIMITED_NANOS;
    private volatile ChannelStatus.@Nullable LastError lastError;

    /** Null if events are delivered in any order. */
    private volatile @Nullable Order order;

    Deliveries(
            ConfiguredChannel channel,
            Surroundings surroundings,
            List<Restraint> restraints,
            Circuit circuit,
            ChannelMetrics metrics) {
        this.channel = channel;
        this.surroundings = surroundings;
        this.restraints = List.copyOf(restraints);
        this.circuit = circuit;
        this.metrics = metrics;
        this.pace = channel.settings().rate().pace(System.nanoTime());
        this.dispatcher = new Dispatcher(channel.channel(), channel.settings().artificialSleep());
        this.longCalls = new LongCalls(channel);
        this.steps = new Steps(channel.settings().retry(), new Failures());
        this.threads = Thread.ofVirtual().name("saf-" + channel.name());
        metrics.gauge("saf.channel.in.flight", "Calls of the channel that run", this, Deliveries::running);
        metrics.gauge("saf.channel.held", "Events that have come and wait for their turn", this, Deliveries::held);
        metrics.gauge(
                "saf.channel.stuck",
                "Calls of the channel that go on though they were interrupted",
                longCalls,
                LongCalls::stuck);
    }

    /** Events are delivered in this order. To be called before the first one comes. */
    void keep(Order kept) {
        order = kept;
    }

    /** From now on events come from this source, too. */
    void attach(Source source) {
        sources.add(source);
    }

    /** No more events come from this source. What has not begun is given back, the rest goes on to its end. */
    void leave(Source source) {
        held.remove(source).forEach(this::giveBack);
        suspects.remove(source).forEach(this::giveBack);
        source.leave();
    }

    int running() {
        return running.get();
    }

    /** Events that have come and wait for their turn. */
    int held() {
        Order kept = order;
        return held.size() + suspects.size() + (kept == null ? 0 : kept.waiting());
    }

    /** Which calls of the channel take longer than they should. */
    LongCalls longCalls() {
        return longCalls;
    }

    /** What the channel said last when it did not take an event, null if it never did. */
    ChannelStatus.@Nullable LastError lastError() {
        return lastError;
    }

    /** How many more events of this source could start now, or must come though they cannot. */
    int room(Source source) {
        int startable = startable(source);
        int room = source.expiring ? Math.max(startable, MAX_EXPIRING - held()) : startable;
        Order kept = order;
        return kept == null ? room : kept.room(source, room);
    }

    private int startable(Source source) {
        // Suspects take the places of others only when they are many.
        int many = Math.max(0, suspects.size() - channel.settings().concurrency());
        int places = Math.min(most() - running.get(), roomByRate()) - held.size() - many;
        int free = Math.min(places, source.allowance());
        if (source.kind == Source.Kind.EVENTS || free <= 0) {
            return Math.max(0, free);
        }
        // What is repeated leaves half of the places to what is new.
        Order kept = order;
        int idle = kept == null ? 0 : kept.waiting(source);
        int share = Math.max(1, channel.settings().concurrency() / 2) - source.open.size() + idle;
        return Math.max(0, Math.min(free, share));
    }

    private int roomByRate() {
        Pace bound = pace;
        if (bound == null) {
            return Integer.MAX_VALUE;
        }
        long now = System.nanoTime();
        bound.slowTo(circuit.share(), now);
        return bound.room(now, AHEAD);
    }

    /** Whether events wait because no more may be delivered in a second, or have just waited. */
    boolean isRateLimited() {
        return pace != null && System.nanoTime() - rateLimitedNanos < RATE_LIMITED_NANOS;
    }

    /** Whether nothing at all is to be delivered for now. */
    boolean isHeldBack() {
        return most() <= 0;
    }

    private int most() {
        return surroundings.trials().isAlone() ? 0 : limit();
    }

    private int limit() {
        if (longCalls.areTooMany()) {
            return 0;
        }
        int most = channel.settings().concurrency();
        for (Restraint restraint : restraints) {
            int limit = restraint.limit();
            // What is stuck may stay so for ever, and must not keep the one event from being tried.
            most = limit <= 0 ? 0 : (int) Math.min(most, (long) limit + longCalls.stuck());
        }
        return most;
    }

    /** Waits until there may be room for more, but not longer than given. For the threads that pull. */
    void awaitRoom(Source source, Duration atMost) {
        Thread current = Thread.currentThread();
        waiting.add(current);
        if (room(source) <= 0) {
            LockSupport.parkNanos(atMost.toNanos());
        }
        waiting.remove(current);
    }

    /**
     * Starts the delivery of an event as soon as it may, unless it is under way or done already.
     *
     * @param receivedNanos when the message came, or earlier if that is not known
     */
    void take(Source source, Message message, long receivedNanos) {
        long now = System.nanoTime();
        source.arrived(now);
        Position position = Position.of(message.getReplyTo());
        Delivery known = source.open.get(position.sequence());
        boolean isKnown = known != null && known.position.storedNanos() == position.storedNanos();
        Order kept = order;
        if (kept != null) {
            kept.saw(source, message, position, isKnown);
        }
        if (known != null && isKnown) {
            known.renew(message, receivedNanos);
            return;
        }
        if (known != null) {
            // Of a stream there was before: nobody will ever confirm anything about it.
            forget(known, Duration.ZERO);
        }
        Delivery delivery = new Delivery(source, message, position, receivedNanos);
        source.open.put(position.sequence(), delivery);
        if (source.delivered.contains(position)) {
            // The channel has it, only the server does not know.
            suppress(delivery);
        } else if (source.isBeyondEnd(position)) {
            // Nobody asked for it; and from here nobody else can get it.
            acknowledge(delivery);
        } else if (kept == null || !kept.take(delivery)) {
            begin(delivery);
        }
    }

    /** Its event needs nothing more. */
    void suppress(Delivery delivery) {
        metrics.duplicatesSuppressed.increment();
        acknowledge(delivery);
    }

    /** Starts the delivery of an event as soon as it may. */
    void begin(Delivery delivery) {
        if (hasLapsed(delivery, System.nanoTime())) {
            lapse(delivery);
        } else if (isSuspect(delivery)) {
            suspect(delivery);
        } else if (held.isEmpty() && claim()) {
            start(delivery);
        } else {
            held.add(delivery);
            startHeld();
        }
    }

    /**
     * Starts the delivery of an event that nobody keeps. If it cannot start now, it is dropped.
     *
     * @param number tells it from others of this source
     */
    void takeOrDrop(Source source, Message message, long number) {
        long now = System.nanoTime();
        source.lastArrivalNanos = now;
        Delivery delivery = new Delivery(source, message, new Position(number, 1, nanos(clock.instant())), now);
        delivery.release();
        source.open.put(number, delivery);
        if (held.isEmpty() && claim()) {
            start(delivery);
        } else if (mayWait()) {
            held.add(delivery);
            startHeld();
        } else {
            drop(delivery, isRateLimited() ? "rate.limit is reached" : "there is no place for it among " + most());
            acknowledge(delivery);
        }
    }

    /** Whether there is a place, and only others must come to run first. */
    private boolean mayWait() {
        Pace bound = pace;
        return running.get() + held.size() < most() && (bound == null || bound.room(System.nanoTime()) > 0);
    }

    private boolean claim() {
        if (starting.get() >= MOST_STARTING) {
            return false;
        }
        int most = most();
        for (int now = running.get(); now < most; now = running.get()) {
            if (running.compareAndSet(now, now + 1)) {
                // Whoever wants to be alone says so first and then counts; here it is the other way round.
                if (!surroundings.trials().isAlone() && isInTime()) {
                    return true;
                }
                running.decrementAndGet();
                return false;
            }
        }
        return false;
    }

    /** Whether the rate lets one more go now. */
    private boolean isInTime() {
        Pace bound = pace;
        if (bound == null) {
            return true;
        }
        long now = System.nanoTime();
        bound.slowTo(circuit.share(), now);
        if (bound.take(now)) {
            return true;
        }
        rateLimitedNanos = now;
        return false;
    }

    private void startHeld() {
        while (!held.isEmpty() && claim()) {
            Delivery next = held.poll();
            if (next == null) {
                running.decrementAndGet();
            } else {
                start(next);
            }
        }
        Pace bound = pace;
        if (bound != null && couldStart() && waitingForPace.compareAndSet(false, true)) {
            Thread.ofVirtual().name("saf-rate-" + channel.name()).start(() -> startInTime(bound));
        }
    }

    /** Whether something is held, and not for want of a place. */
    private boolean couldStart() {
        return !held.isEmpty() && running.get() < most();
    }

    /** Starts what the rate holds back, one by one as it lets them go. */
    private void startInTime(Pace bound) {
        try {
            while (couldStart()) {
                long nanos = bound.nanosToNext(System.nanoTime());
                LockSupport.parkNanos(Math.clamp(nanos, SHORT_LOOK_NANOS, LOOK_NANOS));
                startHeld();
            }
        } finally {
            waitingForPace.set(false);
        }
    }

    private void start(Delivery delivery) {
        lastStartNanos = System.nanoTime();
        starting.incrementAndGet();
        threads.start(() -> {
            starting.decrementAndGet();
            if (!held.isEmpty()) {
                startHeld();
            }
            run(delivery);
        });
    }

    /**
     * Whether an event has not begun, and nobody has told the server in time that it will: then another process may
     * have it by now. That happens while a process is frozen, or cut off from its servers.
     */
    private boolean hasLapsed(Delivery delivery, long now) {
        long wait = channel.settings().ackWait().toNanos();
        return now - delivery.lastProgressNanos > wait - wait / 10
                && !delivery.hasBegun()
                && acknowledged(delivery) != Intake.Acknowledged.NEVER;
    }

    /** Leaves an event that has lapsed to whoever gets it next. To give it back could take it from somebody. */
    private void lapse(Delivery delivery) {
        if (!isSuspect(delivery)) {
            delivery.source.givenBack.add(Position.of(delivery.message().getReplyTo()));
        }
        forget(delivery, channel.settings().ackWait());
        metrics.lapsed.increment();
        warn(delivery, "is not begun", "the server may have given it to another process, for want of a sign of life");
    }

    private static boolean isSuspect(Delivery delivery) {
        return delivery.position.deliveries() > Settlement.MAX_HANDED_OUT
                && !delivery.source.givenBack.wasBefore(delivery.position);
    }

    String channel() {
        return channel.name();
    }

    /** Keeps a suspect until it is tried. */
    void suspect(Delivery delivery) {
        suspects.add(delivery);
        surroundings.trials().wake();
    }

    boolean hasSuspects() {
        return !suspects.isEmpty();
    }

    /** The next suspect, null if there is none, or the channel must not deliver anything now. */
    @Nullable
    Delivery nextSuspect() {
        return limit() > 0 ? suspects.poll() : null;
    }

    /** Whether nothing runs, and all that ran is confirmed. */
    boolean isQuiet() {
        return running.get() == 0
                && sources.stream()
                        .flatMap(source -> source.open.values().stream())
                        .noneMatch(Delivery::isSettling);
    }

    /** Delivers a suspect; nothing else runs, and nothing starts. */
    Thread deliverAlone(Delivery suspect, Runnable then) {
        running.incrementAndGet();
        // It cannot wait, for everybody waits for it; those after it make up for it.
        Pace bound = pace;
        if (bound != null) {
            bound.spend();
        }
        metrics.trials.increment();
        return threads.start(() -> {
            run(suspect);
            then.run();
        });
    }

    /** Makes a suspect a dead letter, without offering it. False if that is not possible now. */
    boolean convict(Delivery suspect, String error) {
        if (hasLapsed(suspect, System.nanoTime())) {
            lapse(suspect);
            return true;
        }
        Step step = first(suspect);
        if (step instanceof Step.LookUp) {
            step = lookUp(suspect);
        }
        if (step instanceof Step.Offer) {
            step = keepAside(suspect, steps.convicted(passage(suspect), suspect.position.deliveries(), error));
        }
        if (step instanceof Step.GiveBack) {
            // Kept all the same: to give it back would only count it once more.
            return false;
        }
        follow(suspect, step);
        return true;
    }

    private Step first(Delivery delivery) {
        return delivery.counts() ? Step.OFFER : steps.first(delivery.source.kind);
    }

    /** Gives back what nobody has tried, which nobody is to suspect for that. */
    void giveBackUntried(Delivery delivery) {
        delivery.source.givenBack.add(Position.of(delivery.message().getReplyTo()));
        giveBack(delivery);
    }

    /** Gives back what has not begun. */
    void giveBack(Delivery delivery) {
        if (hasLapsed(delivery, System.nanoTime())) {
            lapse(delivery);
        } else {
            postpone(delivery, Duration.ZERO);
        }
    }

    /** Starts at once what had to give way to a suspect. */
    void resume() {
        startHeld();
        waiting.forEach(LockSupport::unpark);
    }

    /** Whether no delivery has begun for so long. */
    boolean isStanding(Duration atLeast) {
        return System.nanoTime() - lastStartNanos >= atLeast.toNanos();
    }

    /**
     * Makes dead letters of those events that wait here for their turn and that their stream is about to drop. Blocks
     * until they are stored; for one thread at a time. False if that was not possible, and is to be tried again.
     */
    boolean expire(ShelfLife life) {
        boolean standing = isStanding(life.patience());
        Instant now = clock.instant();
        return sources.stream()
                .flatMap(source -> source.open.values().stream())
                .filter(this::mayExpire)
                .filter(delivery -> !hasLapsed(delivery, System.nanoTime()))
                .filter(delivery -> life.isOver(delivery.position.stored(), now, standing))
                .sorted(Comparator.comparingLong(delivery -> delivery.position.storedNanos()))
                .allMatch(this::expire);
    }

    /** Retries are kept for ever. */
    private boolean mayExpire(Delivery delivery) {
        return delivery.source.kind != Source.Kind.DUE
                && !delivery.isSettling()
                && !delivery.hasBegun()
                && !channel.intake().isAtMostOnce();
    }

    private boolean expire(Delivery delivery) {
        Consumer<Delivery> back = takeOut(delivery);
        if (back == null) {
            // It has begun in the meantime.
            return true;
        }
        String error = "not delivered since %s, and its stream was about to drop it for its age"
                .formatted(delivery.position.stored());
        Step step = keepAside(delivery, steps.expiring(passage(delivery), delivery.position.deliveries(), error));
        if (step instanceof Step.GiveBack) {
            // Kept all the same: it would have to be fetched once more.
            back.accept(delivery);
            return false;
        }
        follow(delivery, step);
        return true;
    }

    /** Takes an event out of where it waits, and says how to put it back; null if it does not wait any more. */
    private @Nullable Consumer<Delivery> takeOut(Delivery delivery) {
        if (held.remove(delivery)) {
            return held::add;
        }
        if (suspects.remove(delivery)) {
            return suspects::add;
        }
        Order kept = order;
        return kept != null && kept.withdraw(delivery) ? kept::back : null;
    }

    /** How long a call of the channel may take until it counts as stuck. */
    Duration longestCall() {
        return channel.settings().timeout().plusNanos(STUCK_NANOS);
    }

    /**
     * Starts what may start by now, interrupts what takes too long, tells the server about what is still here, and
     * repeats what was not confirmed. To be called about ten times a second.
     */
    void lookAfter() {
        startHeld();
        long now = System.nanoTime();
        LongCalls.Look look = longCalls.look();
        for (Source source : sources) {
            for (Delivery delivery : source.open.values()) {
                if (delivery.isSettling()) {
                    repeatAck(delivery, now);
                } else if (hasLapsed(delivery, now)) {
                    lapseWaiting(delivery);
                } else {
                    boolean isStuck = isStuck(delivery, now);
                    look.at(delivery, isStuck);
                    // No more signs of life of what is stuck: after the ack wait another process may try its luck.
                    if (!isStuck) {
                        keepAlive(delivery, now);
                    }
                }
            }
        }
        forgetWhatIsOver();
        look.end();
    }

    /** What does not wait any more has just been started, and will find out by itself. */
    private void lapseWaiting(Delivery delivery) {
        if (takeOut(delivery) != null) {
            lapse(delivery);
        }
    }

    private void forgetWhatIsOver() {
        List<Source> over = sources.stream().filter(Source::isOver).toList();
        sources.removeAll(over);
        over.forEach(source -> source.acks.close());
    }

    /**
     * Gives back what has not begun, waits until no call of the channel runs any more, and then for the last
     * confirmations. False if some do.
     */
    boolean awaitEnd() {
        for (Delivery next = held.poll(); next != null; next = held.poll()) {
            if (acknowledged(next) == Intake.Acknowledged.NEVER) {
                next.release();
                drop(next, "the service stops, and nobody keeps it");
                acknowledge(next);
            } else {
                giveBack(next);
            }
        }
        for (Delivery next = suspects.poll(); next != null; next = suspects.poll()) {
            giveBack(next);
        }
        boolean ended = await(longestCall(), () -> running.get() == 0);
        await(Duration.ofSeconds(5), () -> sources.stream().allMatch(source -> source.open.isEmpty()));
        return ended;
    }

    private static boolean await(Duration atMost, BooleanSupplier condition) {
        long deadline = System.nanoTime() + atMost.toNanos();
        while (!condition.getAsBoolean() && System.nanoTime() < deadline) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
        return condition.getAsBoolean();
    }

    private boolean isStuck(Delivery delivery, long now) {
        return delivery.isInterrupted()
                && now - delivery.startedNanos > channel.settings().timeout().toNanos() + STUCK_NANOS;
    }

    private void keepAlive(Delivery delivery, long now) {
        if (delivery.hasBegun()
                && now - delivery.startedNanos > channel.settings().timeout().toNanos()) {
            delivery.interrupt();
        }
        if (!delivery.isReleased()
                && now - delivery.lastProgressNanos
                        > channel.settings().ackWait().toNanos() / 3
                && delivery.source.acks.progress(delivery.message())) {
            delivery.lastProgressNanos = now;
        }
    }

    private void run(Delivery delivery) {
        try {
            follow(delivery, first(delivery));
        } catch (RuntimeException | Error e) {
            // Nothing is lost by it: without a settlement the event comes again after the ack wait.
            forget(delivery, channel.settings().ackWait());
            log.error(
                    "channel {}: event {} could not be settled",
                    delivery.source.name(),
                    delivery.position.sequence(),
                    e);
        } finally {
            running.decrementAndGet();
            startHeld();
            if (!waiting.isEmpty()) {
                waiting.forEach(LockSupport::unpark);
            }
        }
    }

    void follow(Delivery delivery, Step first) {
        for (Step step = first; step != null; ) {
            step = switch (step) {
                case Step.LookUp() -> lookUp(delivery);
                case Step.Offer() -> mayBeOffered(delivery) ? offer(delivery) : null;
                case Step.Park park -> park(delivery, park);
                case Step.KeepAside aside -> keepAside(delivery, aside);
                case Step.Acknowledge() -> {
                    acknowledge(delivery);
                    yield null;
                }
                case Step.GiveBack(Duration pause) -> {
                    postpone(delivery, pause);
                    yield null;
                }
            };
        }
    }

    Step lookUp(Delivery delivery) {
        Message message = delivery.message();
        try {
            boolean counts = surroundings.parking().isFirst(message, delivery.position.sequence());
            if (!counts) {
                metrics.duplicatesSuppressed.increment();
            } else if (delivery.position.deliveries() <= MAX_LOOK_UPS) {
                surroundings.deadLetters().deleteSent(message.getSubject());
            }
            if (counts) {
                delivery.count();
            }
            return steps.lookedUp(counts, Parking.isCancelled(message));
        } catch (IOException | RuntimeException e) {
            warn(delivery, "could not be looked up", Dispatcher.describe(e));
            return steps.notLookedUp();
        }
    }

    private Intake.Acknowledged acknowledged(Delivery delivery) {
        return channel.intake().acknowledged(delivery.source.kind);
    }

    /**
     * Whether an event is to be offered: not if somebody else may have it; and at most once only if the server will
     * surely never hand it out again.
     */
    private boolean mayBeOffered(Delivery delivery) {
        return switch (acknowledged(delivery)) {
            case AFTERWARDS -> {
                boolean lapsed = hasLapsed(delivery, System.nanoTime());
                if (lapsed) {
                    lapse(delivery);
                }
                yield !lapsed;
            }
            case NEVER -> {
                delivery.release();
                yield true;
            }
            case BEFORE -> release(delivery);
        };
    }

    private boolean release(Delivery delivery) {
        long wait = channel.settings().ackWait().toNanos();
        long deadline = System.nanoTime() + wait;
        // Without a sign of life for the ack wait, another process may have the event already.
        for (long now = System.nanoTime();
                now < deadline && now - delivery.lastProgressNanos < wait / 3 * 2;
                now = System.nanoTime()) {
            if (delivery.source.acks.confirm(delivery.message())) {
                // A server that is killed may forget it nevertheless.
                delivery.source.delivered.add(delivery.position);
                delivery.release();
                return true;
            }
            metrics.acksUnconfirmed.increment();
        }
        delivery.source.open.remove(delivery.position.sequence(), delivery);
        warn(delivery, "is not offered", "nobody confirmed in time that it will not be handed out again");
        return false;
    }

    private Step offer(Delivery delivery) {
        Passage passage;
        Event event;
        delivery.begin(Thread.currentThread(), System.nanoTime());
        try {
            passage = delivery.source.passage(delivery.message(), delivery.position);
            event = marked(EventMessages.event(Source.natsSubject(delivery.message()), delivery.message()), passage);
        } catch (InvalidEventException | IllegalArgumentException e) {
            delivery.end();
            String error = "no event: " + e.getMessage();
            return channel.intake().isAtMostOnce()
                    ? drop(delivery, error)
                    : steps.undecodable(passage(delivery), delivery.position.deliveries(), error);
        }
        // Names that no channel gives to fields of its own: one twice, and structured logging drops the line.
        MDC.put("saf.channel", channel.name());
        MDC.put("saf.event", event.id());
        delivery.identify(event.id());
        if (passage.replay() == null) {
            age(passage);
        }
        long phase = circuit.phase();
        Outcome outcome = offer(event, delivery);
        circuit.tell(outcome, phase);
        if (outcome instanceof Outcome.Taken) {
            metrics.delivered.increment();
            return steps.taken(passage, delivery.position.deliveries());
        }
        return notTaken(delivery, passage, outcome);
    }

    /** A redrive or a replay says so, for it comes out of order. */
    private static Event marked(Event event, Passage passage) {
        if (!passage.isOutOfOrder()) {
            return event;
        }
        return passage.replay() != null
                ? event.withAttribute("safreplay", passage.replay())
                : event.withAttribute("safredrive", Long.toString(passage.redrives()));
    }

    /** What can be known of the event's way, whatever the message is like. */
    private Passage passage(Delivery delivery) {
        try {
            return delivery.source.passage(delivery.message(), delivery.position);
        } catch (IllegalArgumentException e) {
            return Passage.begin(
                    channel.name(), delivery.message(), delivery.position.sequence(), delivery.position.storedNanos());
        }
    }

    private Outcome offer(Event event, Delivery delivery) {
        EventSpan span = surroundings.tracing().startDelivery(event, channel.name());
        Outcome outcome;
        boolean interrupted;
        try (EventSpan.Scope _ = span.open()) {
            outcome = dispatcher.offer(span.event());
            interrupted = delivery.end();
        }
        metrics.delivery.record(System.nanoTime() - delivery.startedNanos, TimeUnit.NANOSECONDS);
        return switch (outcome) {
            case Outcome.Taken taken -> {
                span.end();
                yield taken;
            }
            case Outcome.Rejected rejected -> {
                span.fail(rejected.reason());
                yield rejected;
            }
            case Outcome.Failed failed -> {
                Outcome.Failed told = interrupted
                        ? Outcome.Failed.ofDestination("took longer than "
                                + channel.settings().timeout().toMillis() + "ms: " + failed.error())
                        : failed;
                span.fail(told.error());
                yield told;
            }
        };
    }

    private void age(Passage passage) {
        // Clocks differ.
        metrics.age.record(Math.max(0, nanos(clock.instant()) - passage.storedNanos()), TimeUnit.NANOSECONDS);
    }

    private static long nanos(Instant instant) {
        return instant.getEpochSecond() * 1_000_000_000L + instant.getNano();
    }

    private Step notTaken(Delivery delivery, Passage carried, Outcome outcome) {
        String error = Outcome.error(outcome);
        metrics.failed.increment();
        Instant now = clock.instant();
        lastError = new ChannelStatus.LastError(error, now);
        if (channel.intake().isAtMostOnce()) {
            return drop(delivery, error);
        }
        Step step = steps.notTaken(
                outcome,
                carried,
                delivery.position.deliveries(),
                Duration.ofNanos(System.nanoTime() - delivery.startedNanos),
                surroundings.keptUntil(delivery),
                now,
                ThreadLocalRandom.current().nextDouble());
        if (step instanceof Step.GiveBack(Duration pause)) {
            metrics.retried.increment();
            warn(delivery, "is tried again in " + pause.toMillis() + "ms", error);
        }
        return step;
    }

    /** Where an event is offered once, whatever comes of it. */
    private Step drop(Delivery delivery, String error) {
        metrics.dropped.increment();
        warn(delivery, "is dropped", error);
        return Step.ACKNOWLEDGE;
    }

    private Step park(Delivery delivery, Step.Park park) {
        Message message = delivery.message();
        metrics.retried.increment();
        Order kept = order;
        try {
            var _ = surroundings
                    .parking()
                    .park(park.passage(), message.getHeaders(), body(delivery), park.due(), Order.headers(delivery));
        } catch (IOException | JetStreamApiException | RuntimeException e) {
            metrics.parkingFailures.increment();
            if (kept != null && !(e instanceof JetStreamApiException)) {
                kept.mayBeParked(delivery);
            }
            warn(
                    delivery,
                    "is to be parked until " + park.due() + ", which is not possible: " + Dispatcher.describe(e)
                            + "; kept",
                    park.error());
            return steps.notParked(park, surroundings.keptUntil(delivery), clock.instant());
        }
        metrics.parked.increment();
        delivery.parked = Order.Parked.of(park.passage(), park.due(), false);
        warn(delivery, "is parked until " + park.due(), park.error());
        return steps.parked(park);
    }

    /**
     * Parks an event that has not failed, behind another one. It is to be acknowledged then.
     *
     * @param place what is to be told about that
     * @throws IOException if nobody confirmed it, or there is no room
     * @throws JetStreamApiException if the server refused it
     */
    void parkBehind(Delivery delivery, Instant due, Map<String, String> place)
            throws IOException, JetStreamApiException {
        Passage passage = passage(delivery);
        try {
            var _ = surroundings.parking().park(passage, delivery.message().getHeaders(), body(delivery), due, place);
        } catch (IOException | JetStreamApiException | RuntimeException e) {
            metrics.parkingFailures.increment();
            throw e;
        }
        metrics.parkedBehind.increment();
        delivery.parked = Order.Parked.of(passage, due, true);
    }

    private Step keepAside(Delivery delivery, Step.KeepAside aside) {
        Message message = delivery.message();
        Reason reason = aside.reason();
        try {
            surroundings
                    .deadLetters()
                    .store(
                            aside.passage(),
                            message.getHeaders(),
                            body(delivery),
                            reason,
                            aside.error(),
                            clock.instant());
        } catch (IOException | JetStreamApiException | RuntimeException e) {
            metrics.deadLetterFailures.increment();
            warn(
                    delivery,
                    "is to be a dead letter (" + reason.tag() + "), which cannot be stored: " + Dispatcher.describe(e)
                            + "; kept, and tried again",
                    aside.error());
            return steps.notKeptAside(
                    delivery.position.deliveries(), ThreadLocalRandom.current().nextDouble());
        }
        metrics.deadLettered(reason).increment();
        warn(delivery, "is a dead letter now (" + reason.tag() + ")", aside.error());
        return steps.keptAside(aside);
    }

    /**
     * The whole body, also where the channel gets none: what is kept is to be sent again in full. Empty if the stream
     * does not have the message any more.
     */
    private byte[] body(Delivery delivery) throws IOException {
        Message message = delivery.message();
        if (message.getHeaders() == null || !message.getHeaders().containsKey(LEFT_OUT)) {
            return message.getData();
        }
        MessageInfo stored = surroundings.stored().get(delivery.source.kind.stream, delivery.position.sequence());
        return stored == null
                        || stored.getData() == null
                        || stored.getTime() == null
                        || nanos(stored.getTime().toInstant()) != delivery.position.storedNanos()
                ? new byte[0]
                : stored.getData();
    }

    void postpone(Delivery delivery, Duration pause) {
        if (delivery.hasEnded()) {
            delivery.source.givenBack.add(Position.of(delivery.message().getReplyTo()));
        }
        // First forgotten, then given back: it may come again at once.
        forget(delivery, pause);
        if (pause.isPositive()) {
            delivery.source.acks.nak(delivery.message(), pause.toNanos());
        } else {
            delivery.source.acks.nak(delivery.message());
        }
    }

    /** It is not here any more, and comes again after a pause. */
    private void forget(Delivery delivery, Duration pause) {
        delivery.source.open.remove(delivery.position.sequence(), delivery);
        Order kept = order;
        if (kept != null) {
            kept.away(delivery, pause);
        }
    }

    private void warn(Delivery delivery, String what, String error) {
        long unsaid = warnings.allow(System.nanoTime());
        if (unsaid >= 0) {
            log.warn(
                    "channel {}: event {} on {} {}, handed out {} times: {}{}",
                    delivery.source.name(),
                    delivery.position.sequence(),
                    delivery.message().getSubject(),
                    what,
                    delivery.position.deliveries(),
                    error,
                    unsaid == 0 ? "" : " (and " + unsaid + " more such lines not shown)");
        }
    }

    void acknowledge(Delivery delivery) {
        if (delivery.isReleased() || delivery.source.isForgotten()) {
            delivery.source.open.remove(delivery.position.sequence(), delivery);
            return;
        }
        delivery.source.delivered.add(delivery.position);
        delivery.settle();
        delivery.ackSentNanos = System.nanoTime();
        delivery.source.acks.ack(delivery);
    }

    private void repeatAck(Delivery delivery, long now) {
        if (now - delivery.ackSentNanos < ACK_REPEAT_NANOS) {
            return;
        }
        delivery.ackSentNanos = now;
        if (delivery.source.acks.ack(delivery)) {
            metrics.acksUnconfirmed.increment();
            if (++delivery.ackRepeats >= MAX_ACK_REPEATS) {
                // Should the event come again, it is known to be delivered.
                delivery.source.settled(delivery);
                log.warn(
                        "channel {}: nobody confirms that event {} is settled, it may be delivered again",
                        delivery.source.name(),
                        delivery.position.sequence());
            }
        }
    }
}
