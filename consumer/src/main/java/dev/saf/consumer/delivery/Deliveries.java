package dev.saf.consumer.delivery;

import io.nats.client.Message;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * All deliveries of one channel, wherever its events come from. An event stays here until the server has confirmed its
 * acknowledgement, or it was given back; meanwhile the server is told that somebody has it.
 *
 * <p>{@link Admission} says when a delivery starts, {@link Handler} what is done then, and {@link Answers} is what the
 * server is told.
 */
final class Deliveries {

    /** So many events may wait here only because their stream is about to drop them. */
    private static final int MAX_EXPIRING = 64;

    /** How long after its interruption a delivery counts as stuck. */
    private static final long STUCK_NANOS = Duration.ofSeconds(5).toNanos();

    private final ConfiguredChannel channel;
    private final Trials trials;
    private final ChannelMetrics metrics;
    private final Answers answers;
    private final Handler handler;
    private final Admission admission;
    private final List<Source> sources = new CopyOnWriteArrayList<>();

    /** Events that nobody has brought to an end, though they were handed out so often. */
    private final Held suspects = new Held();

    private final InstantSource clock = InstantSource.system();

    /** Null if events are delivered in any order. */
    private volatile @Nullable Order order;

    Deliveries(
            ConfiguredChannel channel,
            Surroundings surroundings,
            List<Restraint> restraints,
            Circuit circuit,
            ChannelMetrics metrics) {
        this.channel = channel;
        this.trials = surroundings.trials();
        this.metrics = metrics;
        Warnings warnings = new Warnings();
        this.answers = new Answers(channel, metrics, warnings);
        this.handler = new Handler(channel, surroundings, circuit, metrics, answers, warnings);
        this.admission = new Admission(channel, trials, restraints, circuit, handler);
        metrics.gauge("saf.channel.in.flight", "Calls of the channel that run", admission, Admission::running);
        metrics.gauge("saf.channel.held", "Events that have come and wait for their turn", this, Deliveries::held);
        metrics.gauge(
                "saf.channel.stuck",
                "Calls of the channel that go on though they were interrupted",
                admission.longCalls(),
                LongCalls::stuck);
    }

    /** Events are delivered in this order. To be called before the first one comes. */
    void keep(Order kept) {
        order = kept;
        answers.keep(kept);
        handler.keep(kept);
    }

    /** From now on events come from this source, too. */
    void attach(Source source) {
        sources.add(source);
    }

    /** No more events come from this source. What has not begun is given back, the rest goes on to its end. */
    void leave(Source source) {
        admission.withdraw(source).forEach(answers::giveBack);
        suspects.remove(source).forEach(answers::giveBack);
        source.leave();
    }

    /** Says when a delivery starts. */
    Admission admission() {
        return admission;
    }

    /** Does what there is to do with an event. */
    Handler handler() {
        return handler;
    }

    /** What the server is told. */
    Answers answers() {
        return answers;
    }

    /** Events that have come and wait for their turn. */
    int held() {
        Order kept = order;
        return admission.held() + suspects.size() + (kept == null ? 0 : kept.waiting());
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
        int places = admission.free() - many;
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

    /** Waits until there may be room for more, but not longer than given. For the threads that pull. */
    void awaitRoom(Source source, Duration atMost) {
        admission.awaitRoom(() -> room(source) <= 0, atMost);
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
            answers.forget(known, Duration.ZERO);
        }
        Delivery delivery = new Delivery(source, message, position, receivedNanos);
        source.open.put(position.sequence(), delivery);
        if (source.delivered.contains(position)) {
            // The channel has it, only the server does not know.
            answers.suppress(delivery);
        } else if (source.isBeyondEnd(position)) {
            // Nobody asked for it; and from here nobody else can get it.
            answers.acknowledge(delivery);
        } else if (kept == null || !kept.take(delivery)) {
            begin(delivery);
        }
    }

    /** Starts the delivery of an event as soon as it may. */
    void begin(Delivery delivery) {
        if (answers.hasLapsed(delivery, System.nanoTime())) {
            answers.lapse(delivery);
        } else if (delivery.isSuspect()) {
            suspect(delivery);
        } else {
            admission.admit(delivery);
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
        Delivery delivery =
                new Delivery(source, message, new Position(number, 1, Position.nanos(clock.instant())), now);
        delivery.release();
        source.open.put(number, delivery);
        if (!admission.tryAdmit(delivery)) {
            handler.follow(delivery, handler.drop(delivery, admission.obstacle()));
        }
    }

    String channel() {
        return channel.name();
    }

    /** Keeps a suspect until it is tried. */
    void suspect(Delivery delivery) {
        suspects.add(delivery);
        trials.wake();
    }

    boolean hasSuspects() {
        return !suspects.isEmpty();
    }

    /** The next suspect, null if there is none, or the channel must not deliver anything now. */
    @Nullable
    Delivery nextSuspect() {
        return admission.isClosed() ? null : suspects.poll();
    }

    /** Whether nothing runs, and all that ran is confirmed. */
    boolean isQuiet() {
        return admission.running() == 0
                && sources.stream()
                        .flatMap(source -> source.open.values().stream())
                        .noneMatch(Delivery::isSettling);
    }

    /** Delivers a suspect; nothing else runs, and nothing starts. */
    Thread deliverAlone(Delivery suspect, Runnable then) {
        metrics.trials.increment();
        return admission.runAlone(suspect, then);
    }

    /**
     * Makes dead letters of those events that wait here for their turn and that their stream is about to drop. Blocks
     * until they are stored; for one thread at a time. False if that was not possible, and is to be tried again.
     */
    boolean expire(ShelfLife life) {
        boolean standing = admission.isStanding(life.patience());
        Instant now = clock.instant();
        return sources.stream()
                .flatMap(source -> source.open.values().stream())
                .filter(this::mayExpire)
                .filter(delivery -> !answers.hasLapsed(delivery, System.nanoTime()))
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
        // Without one it has begun in the meantime.
        if (back == null || handler.expire(delivery)) {
            return true;
        }
        back.accept(delivery);
        return false;
    }

    /** Takes an event out of where it waits, and says how to put it back; null if it does not wait any more. */
    private @Nullable Consumer<Delivery> takeOut(Delivery delivery) {
        if (admission.withdraw(delivery)) {
            return admission::back;
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
        admission.startHeld();
        long now = System.nanoTime();
        LongCalls.Look look = admission.longCalls().look();
        for (Source source : sources) {
            for (Delivery delivery : source.open.values()) {
                if (delivery.isSettling()) {
                    answers.repeat(delivery, now);
                } else if (answers.hasLapsed(delivery, now)) {
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
            answers.lapse(delivery);
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
        for (Delivery next = admission.withdrawNext(); next != null; next = admission.withdrawNext()) {
            if (answers.acknowledged(next.source) == Intake.Acknowledged.NEVER) {
                next.release();
                handler.follow(next, handler.drop(next, "the service stops, and nobody keeps it"));
            } else {
                answers.giveBack(next);
            }
        }
        for (Delivery next = suspects.poll(); next != null; next = suspects.poll()) {
            answers.giveBack(next);
        }
        boolean ended = await(longestCall(), () -> admission.running() == 0);
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
        answers.keepAlive(delivery, now);
    }
}
