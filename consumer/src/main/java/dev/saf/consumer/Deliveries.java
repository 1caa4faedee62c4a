package dev.saf.consumer;

import dev.saf.event.Event;
import dev.saf.event.InvalidEventException;
import dev.saf.jetstream.EventMessages;
import dev.saf.jetstream.EventSpan;
import dev.saf.jetstream.EventTracing;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.Message;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * All deliveries of one channel: starts each on a virtual thread, sees that it ends in time, and settles it. An event
 * stays here until the server has confirmed its acknowledgement, or it was given back.
 */
final class Deliveries {

    private static final Logger log = LoggerFactory.getLogger(Deliveries.class);
    private static final long ACK_REPEAT_NANOS = Duration.ofSeconds(2).toNanos();
    private static final int MAX_ACK_REPEATS = 15;

    /** How long after its interruption a delivery counts as stuck. */
    private static final long STUCK_NANOS = Duration.ofSeconds(5).toNanos();

    private final ConfiguredChannel channel;
    private final Dispatcher dispatcher;
    private final DeadLetters deadLetters;
    private final EventTracing tracing;
    private final ChannelMetrics metrics;
    private final Thread.Builder.OfVirtual threads;
    private final Acks acks = new Acks(this::confirmed);
    private final ConcurrentMap<Long, Delivery> open = new ConcurrentHashMap<>();
    private final AtomicInteger running = new AtomicInteger();
    private final DeliveredEvents delivered = new DeliveredEvents();
    private final FirstFailures failures = new FirstFailures();
    private final LogLimit warnings = new LogLimit(10, Duration.ofSeconds(10));
    private final InstantSource clock = InstantSource.system();
    private volatile @Nullable Thread waiting;
    private volatile int stuck;
    private volatile long lastArrivalNanos = System.nanoTime();
    private volatile @Nullable String lastError;

    Deliveries(ConfiguredChannel channel, DeadLetters deadLetters, EventTracing tracing, ChannelMetrics metrics) {
        this.channel = channel;
        this.dispatcher = new Dispatcher(channel.channel(), channel.settings().artificialSleep());
        this.deadLetters = deadLetters;
        this.tracing = tracing;
        this.metrics = metrics;
        this.threads = Thread.ofVirtual().name("saf-" + channel.name());
        metrics.gauge("saf.channel.in.flight", "Calls of the channel that run", this, Deliveries::running);
        metrics.gauge(
                "saf.channel.stuck",
                "Calls of the channel that go on though they were interrupted",
                this,
                deliveries -> deliveries.stuck);
    }

    /** From now on settlements go over this connection. */
    void bind(Connection connection) {
        acks.bind(connection);
    }

    int running() {
        return running.get();
    }

    int free() {
        return channel.settings().concurrency() - running.get();
    }

    /** How many calls of the channel go on though they were interrupted. */
    int stuck() {
        return stuck;
    }

    /** When the last message came in, as {@link System#nanoTime()}. */
    long lastArrivalNanos() {
        return lastArrivalNanos;
    }

    /** What the channel said last when it did not take an event, null if it never did. */
    @Nullable
    String lastError() {
        return lastError;
    }

    /** Waits until another delivery could start, but not longer than given. For the thread that pulls. */
    void awaitFree(Duration atMost) {
        waiting = Thread.currentThread();
        if (free() <= 0) {
            LockSupport.parkNanos(atMost.toNanos());
        }
        waiting = null;
    }

    /** Starts the delivery of an event, unless it is under way or done already. */
    void take(Message message) {
        long now = System.nanoTime();
        lastArrivalNanos = now;
        Position position = Position.of(message.getReplyTo());
        Delivery known = open.get(position.sequence());
        if (known != null && known.position.storedNanos() == position.storedNanos()) {
            known.renew(message);
            return;
        }
        if (delivered.contains(position)) {
            // The channel has it, only the server does not know.
            metrics.duplicatesSuppressed.increment();
            Delivery again = new Delivery(message, position, now);
            open.put(position.sequence(), again);
            acknowledge(again);
            return;
        }
        if (free() <= 0) {
            // The late answer to a pull that was given up.
            acks.nak(message);
            return;
        }
        running.incrementAndGet();
        Delivery delivery = new Delivery(message, position, now);
        open.put(position.sequence(), delivery);
        threads.start(() -> run(delivery));
    }

    /** Gives back what was pulled and will not be started. */
    void giveBack(Message message) {
        acks.nak(message);
    }

    /**
     * Interrupts what takes too long, tells the server about what still runs, and repeats what was not confirmed. To be
     * called about ten times a second.
     */
    void lookAfter() {
        long now = System.nanoTime();
        int stuckNow = 0;
        for (Delivery delivery : open.values()) {
            if (delivery.isSettling()) {
                repeatAck(delivery, now);
            } else if (isStuck(delivery, now)) {
                // No more signs of life: after the ack wait another process may try its luck.
                stuckNow++;
            } else {
                keepAlive(delivery, now);
            }
        }
        if (stuckNow > stuck) {
            log.error(
                    "channel {}: {} deliveries do not end though interrupted, each holds one of {} places",
                    channel.name(),
                    stuckNow,
                    channel.settings().concurrency());
        }
        stuck = stuckNow;
    }

    /** Waits until no call of the channel runs any more, and then for the last confirmations. False if some do. */
    boolean awaitEnd() {
        Duration calls = channel.settings().timeout().plusNanos(STUCK_NANOS);
        boolean ended = await(calls, () -> running.get() == 0);
        await(Duration.ofSeconds(5), open::isEmpty);
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
        if (now - delivery.startedNanos > channel.settings().timeout().toNanos()) {
            delivery.interrupt();
        }
        if (now - delivery.lastProgressNanos > channel.settings().ackWait().toNanos() / 3) {
            delivery.lastProgressNanos = now;
            acks.progress(delivery.message());
        }
    }

    private void run(Delivery delivery) {
        try {
            delivery.begin(Thread.currentThread());
            switch (deliver(delivery)) {
                case Settlement.Delivered() -> succeeded(delivery);
                case Settlement.RetryAfter retry -> giveBack(delivery, retry);
                case Settlement.DeadLetter verdict -> keepAside(delivery, verdict);
            }
        } catch (RuntimeException | Error e) {
            // Nothing is lost by it: without a settlement the event comes again after the ack wait.
            open.remove(delivery.position.sequence(), delivery);
            log.error("channel {}: event {} could not be settled", channel.name(), delivery.position.sequence(), e);
        } finally {
            running.decrementAndGet();
            Thread thread = waiting;
            if (thread != null) {
                LockSupport.unpark(thread);
            }
        }
    }

    private Settlement deliver(Delivery delivery) {
        Event event;
        try {
            event = EventMessages.event(delivery.message());
        } catch (InvalidEventException e) {
            delivery.end();
            return new Settlement.DeadLetter(Settlement.Reason.UNDECODABLE, "no event: " + e.getMessage());
        }
        // Names that no channel gives to fields of its own: one twice, and structured logging drops the line.
        MDC.put("saf.channel", channel.name());
        MDC.put("saf.event", event.id());
        age(delivery.position);
        Outcome outcome = offer(event, delivery);
        long attempt = delivery.position.deliveries();
        return Settlement.of(
                outcome,
                attempt,
                channel.settings().retry(),
                ThreadLocalRandom.current().nextDouble());
    }

    private Outcome offer(Event event, Delivery delivery) {
        long start = System.nanoTime();
        EventSpan span = tracing.startDelivery(event, channel.name());
        Outcome outcome;
        boolean interrupted;
        try (EventSpan.Scope _ = span.open()) {
            outcome = dispatcher.offer(span.event());
            interrupted = delivery.end();
        }
        metrics.delivery.record(System.nanoTime() - start, TimeUnit.NANOSECONDS);
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
                        ? new Outcome.Failed("took longer than "
                                + channel.settings().timeout().toMillis() + "ms: " + failed.error())
                        : failed;
                span.fail(told.error());
                yield told;
            }
        };
    }

    private void age(Position position) {
        Instant now = clock.instant();
        long nanos = now.getEpochSecond() * 1_000_000_000L + now.getNano() - position.storedNanos();
        // Clocks differ.
        metrics.age.record(Math.max(0, nanos), TimeUnit.NANOSECONDS);
    }

    private void succeeded(Delivery delivery) {
        metrics.delivered.increment();
        if (delivery.position.deliveries() > 1) {
            failures.forget(delivery.position);
        }
        acknowledge(delivery);
    }

    private void giveBack(Delivery delivery, Settlement.RetryAfter retry) {
        failed(delivery, retry.error());
        metrics.retried.increment();
        warn(delivery, "is tried again in " + retry.pause().toMillis() + "ms", retry.error());
        postpone(delivery, retry.pause());
    }

    private void postpone(Delivery delivery, Duration pause) {
        // First forgotten, then given back: it may come again at once.
        open.remove(delivery.position.sequence(), delivery);
        acks.nak(delivery.message(), pause.toNanos());
    }

    private void keepAside(Delivery delivery, Settlement.DeadLetter verdict) {
        if (verdict.reason() != Settlement.Reason.UNDECODABLE) {
            failed(delivery, verdict.error());
        }
        Position position = delivery.position;
        Instant now = clock.instant();
        try {
            deadLetters.store(new DeadLetters.Letter(
                    channel.name(), delivery.message(), position, verdict, failures.first(position, now), now));
        } catch (IOException | JetStreamApiException | RuntimeException e) {
            metrics.deadLetterFailures.increment();
            Duration pause = channel.settings()
                    .retry()
                    .pause(position.deliveries(), ThreadLocalRandom.current().nextDouble());
            warn(
                    delivery,
                    "is to be a dead letter (" + verdict.reason().tag() + "), which cannot be stored: "
                            + Dispatcher.describe(e) + "; kept, and tried again in " + pause.toMillis() + "ms",
                    verdict.error());
            postpone(delivery, pause);
            return;
        }
        failures.forget(position);
        metrics.deadLettered(verdict.reason()).increment();
        warn(delivery, "is a dead letter now (" + verdict.reason().tag() + ")", verdict.error());
        acknowledge(delivery);
    }

    private void failed(Delivery delivery, String error) {
        metrics.failed.increment();
        lastError = error;
        failures.first(delivery.position, clock.instant());
    }

    private void warn(Delivery delivery, String what, String error) {
        long unsaid = warnings.allow(System.nanoTime());
        if (unsaid >= 0) {
            log.warn(
                    "channel {}: event {} on {} {}, after attempt {}: {}{}",
                    channel.name(),
                    delivery.position.sequence(),
                    delivery.message().getSubject(),
                    what,
                    delivery.position.deliveries(),
                    error,
                    unsaid == 0 ? "" : " (and " + unsaid + " more such lines not shown)");
        }
    }

    private void acknowledge(Delivery delivery) {
        delivered.add(delivery.position);
        delivery.settle();
        delivery.ackSentNanos = System.nanoTime();
        acks.ack(delivery);
    }

    private void repeatAck(Delivery delivery, long now) {
        if (now - delivery.ackSentNanos < ACK_REPEAT_NANOS) {
            return;
        }
        delivery.ackSentNanos = now;
        if (acks.ack(delivery)) {
            metrics.acksUnconfirmed.increment();
            if (++delivery.ackRepeats >= MAX_ACK_REPEATS) {
                // Should the event come again, it is known to be delivered.
                open.remove(delivery.position.sequence(), delivery);
                log.warn(
                        "channel {}: nobody confirms that event {} is settled, it may be delivered again",
                        channel.name(),
                        delivery.position.sequence());
            }
        }
    }

    private void confirmed(long sequence) {
        Delivery delivery = open.get(sequence);
        if (delivery != null && delivery.isSettling()) {
            open.remove(sequence, delivery);
        }
    }
}
