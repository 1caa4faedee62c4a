package dev.saf.consumer.delivery;

import dev.saf.channel.RejectedEventException;
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
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Handles the events of one channel, each on the thread that calls it: offers an event to the channel, and does one
 * step after the other, as {@link Steps} says, until the server is told what becomes of it.
 */
final class Handler {

    private static final Logger log = LoggerFactory.getLogger(Handler.class);

    /** After so many a redriven event is delivered even if nobody can say that its dead letter is gone. */
    private static final int MAX_LOOK_UPS = 3;

    /** The server's header on a message whose body it has left out. */
    private static final String LEFT_OUT = "Nats-Msg-Size";

    private final ConfiguredChannel channel;
    private final Surroundings surroundings;
    private final Circuit circuit;
    private final ChannelMetrics metrics;
    private final Answers answers;
    private final Warnings warnings;
    private final Shape shape;
    private final Dispatcher dispatcher;
    private final Steps steps;
    private final InstantSource clock = InstantSource.system();
    private volatile ChannelStatus.@Nullable LastError lastError;

    /** Null if events are delivered in any order. */
    private volatile @Nullable Order order;

    Handler(
            ConfiguredChannel channel,
            Surroundings surroundings,
            Circuit circuit,
            ChannelMetrics metrics,
            Answers answers,
            Warnings warnings) {
        this.channel = channel;
        this.surroundings = surroundings;
        this.circuit = circuit;
        this.metrics = metrics;
        this.answers = answers;
        this.warnings = warnings;
        this.shape = Shape.of(channel.settings().filter(), channel.settings().transform());
        this.dispatcher = new Dispatcher(channel.channel(), channel.settings().artificialSleep());
        this.steps = new Steps(channel.settings().retry(), new Failures());
    }

    /** What may be parked is told to this order. */
    void keep(Order kept) {
        order = kept;
    }

    /** What the channel said last when it did not take an event, null if it never did. */
    ChannelStatus.@Nullable LastError lastError() {
        return lastError;
    }

    /** Handles an event from its first step to its last. */
    void handle(Delivery delivery) {
        try {
            follow(delivery, first(delivery));
        } catch (RuntimeException | Error e) {
            // Nothing is lost by it: without a settlement the event comes again after the ack wait.
            answers.forget(delivery, channel.settings().ackWait());
            log.error(
                    "channel {}: event {} could not be settled",
                    delivery.source.name(),
                    delivery.position.sequence(),
                    e);
        }
    }

    private Step first(Delivery delivery) {
        return delivery.counts() ? Step.OFFER : steps.first(delivery.source.kind);
    }

    /** Does this step, and those that follow from it. */
    void follow(Delivery delivery, Step first) {
        for (Step step = first; step != null; ) {
            step = switch (step) {
                case Step.LookUp() -> lookUp(delivery);
                case Step.Offer() -> mayBeOffered(delivery) ? offer(delivery) : null;
                case Step.Park park -> park(delivery, park);
                case Step.KeepAside aside -> keepAside(delivery, aside);
                case Step.Acknowledge() -> {
                    answers.acknowledge(delivery);
                    yield null;
                }
                case Step.GiveBack(Duration pause) -> {
                    answers.postpone(delivery, pause);
                    yield null;
                }
            };
        }
    }

    /** Asks whether this message is the one that counts of its event, and returns what to do then. */
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
            warnings.warn(delivery, "could not be looked up", Dispatcher.describe(e));
            return steps.notLookedUp();
        }
    }

    /** Makes a suspect a dead letter, without offering it. False if that is not possible now. */
    boolean convict(Delivery suspect, String error) {
        if (answers.hasLapsed(suspect, System.nanoTime())) {
            answers.lapse(suspect);
            return true;
        }
        Step step = first(suspect);
        if (step instanceof Step.LookUp) {
            step = lookUp(suspect);
        }
        if (step instanceof Step.Offer) {
            step = keepAside(suspect, steps.convicted(passage(suspect), suspect.position.deliveries(), error));
        }
        return finish(suspect, step);
    }

    /** Makes an event a dead letter that its stream is about to drop. False if that is not possible now. */
    boolean expire(Delivery delivery) {
        String error = "not delivered since %s, and its stream was about to drop it for its age"
                .formatted(delivery.position.stored());
        return finish(
                delivery,
                keepAside(delivery, steps.expiring(passage(delivery), delivery.position.deliveries(), error)));
    }

    private boolean finish(Delivery delivery, Step step) {
        if (step instanceof Step.GiveBack) {
            // Kept all the same: it would have to be fetched once more, and be counted once more.
            return false;
        }
        follow(delivery, step);
        return true;
    }

    /**
     * Whether an event is to be offered: not if somebody else may have it; and at most once only if the server will
     * surely never hand it out again.
     */
    private boolean mayBeOffered(Delivery delivery) {
        return switch (answers.acknowledged(delivery.source)) {
            case AFTERWARDS -> {
                boolean lapsed = answers.hasLapsed(delivery, System.nanoTime());
                if (lapsed) {
                    answers.lapse(delivery);
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
        warnings.warn(delivery, "is not offered", "nobody confirmed in time that it will not be handed out again");
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
        try {
            Event wanted = shape.of(event);
            if (wanted != null) {
                return offer(delivery, passage, wanted);
            }
        } catch (RejectedEventException e) {
            delivery.end();
            return notTaken(delivery, passage, new Outcome.Rejected(String.valueOf(e.getMessage())));
        }
        delivery.end();
        metrics.filtered.increment();
        return steps.taken(passage, delivery.position.deliveries());
    }

    private Step offer(Delivery delivery, Passage passage, Event event) {
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
        metrics.age.record(Math.max(0, Position.nanos(clock.instant()) - passage.storedNanos()), TimeUnit.NANOSECONDS);
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
            warnings.warn(delivery, "is tried again in " + pause.toMillis() + "ms", error);
        }
        return step;
    }

    /** Where an event is offered once, whatever comes of it. */
    Step drop(Delivery delivery, String error) {
        metrics.dropped.increment();
        warnings.warn(delivery, "is dropped", error);
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
            warnings.warn(
                    delivery,
                    "is to be parked until " + park.due() + ", which is not possible: " + Dispatcher.describe(e)
                            + "; kept",
                    park.error());
            return steps.notParked(park, surroundings.keptUntil(delivery), clock.instant());
        }
        metrics.parked.increment();
        delivery.parked = Order.Parked.of(park.passage(), park.due(), false);
        warnings.warn(delivery, "is parked until " + park.due(), park.error());
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
            warnings.warn(
                    delivery,
                    "is to be a dead letter (" + reason.tag() + "), which cannot be stored: " + Dispatcher.describe(e)
                            + "; kept, and tried again",
                    aside.error());
            return steps.notKeptAside(
                    delivery.position.deliveries(), ThreadLocalRandom.current().nextDouble());
        }
        metrics.deadLettered(reason).increment();
        warnings.warn(delivery, "is a dead letter now (" + reason.tag() + ")", aside.error());
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
                        || Position.nanos(stored.getTime().toInstant()) != delivery.position.storedNanos()
                ? new byte[0]
                : stored.getData();
    }
}
