package dev.saf.consumer.delivery;

import dev.saf.consumer.ledger.Parking;
import dev.saf.consumer.ledger.Passage;
import dev.saf.consumer.ledger.Publication;
import dev.saf.event.InvalidEventException;
import dev.saf.event.WireFormat;
import dev.saf.jetstream.EventMessages;
import io.nats.client.Message;
import io.nats.client.impl.Headers;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A process of the service, without threads and without a network: takes the steps that {@link Steps} decides as
 * {@link Deliveries} does. Between any two of them it may die, or stand still for a while.
 */
final class SimulatedProcess {

    static final long TIMEOUT = 15_000;
    static final long ACK_WAIT = 10_000;
    private static final long ACK_REPEAT = 2000;
    private static final int MAX_ACK_REPEATS = 15;
    private static final long PULL_EXPIRES = 5000;

    /**
     * A channel as it is configured.
     *
     * @param kept how long the stream surely keeps an event, zero for ever
     */
    record Plan(String name, Retry retry, int concurrency, Duration kept, Sink sink) {}

    private static final class Running {
        final Plan plan;
        final Logic logic;
        final List<Source> sources;
        final Map<Source, Integer> asked = new HashMap<>();
        final Held held = new Held();
        int running;

        Running(Plan plan, Logic logic) {
            this.plan = plan;
            this.logic = logic;
            this.sources = List.of(Source.events(plan.name), Source.due(plan.name));
        }
    }

    private final String name;
    private final Network network;
    private final List<Plan> plans;
    private final Function<Steps, Logic> variation;
    private final List<Running> channels = new ArrayList<>();
    private long clockMillis;
    private long frozenUntil;
    private int life;

    SimulatedProcess(String name, Network network, List<Plan> plans, Function<Steps, Logic> variation) {
        this.name = name;
        this.network = network;
        this.plans = plans;
        this.variation = variation;
    }

    /** Begins, and remembers nothing. */
    void start() {
        life++;
        clockMillis = network.faults().clocks() ? network.random.nextLong(-600_000, 600_000) : 0;
        channels.clear();
        for (Plan plan : plans) {
            channels.add(new Running(plan, variation.apply(new Steps(plan.retry, new Failures()))));
        }
        channels.forEach(this::pull);
    }

    /** The server was away: what it was asked for it has forgotten. */
    void reconnected() {
        step(() -> {
                    channels.forEach(each -> each.asked.clear());
                    channels.forEach(this::pull);
                })
                .run();
    }

    private void crash() {
        network.say(name, "dies");
        life++;
        channels.clear();
        network.timeline.after(network.random.nextLong(PULL_EXPIRES), () -> network.broker.leave(this));
        network.timeline.after(PULL_EXPIRES + network.random.nextLong(20_000), this::start);
    }

    private Instant now() {
        return Instant.ofEpochMilli(network.timeline.now() + clockMillis);
    }

    /** Something this process does, unless it dies before. */
    private Runnable step(Runnable what) {
        int begun = life;
        return new Runnable() {
            @Override
            public void run() {
                if (begun != life) {
                    return;
                }
                if (network.timeline.now() < frozenUntil) {
                    network.timeline.at(frozenUntil, this);
                } else if (network.fails(network.faults().crash())) {
                    crash();
                } else if (network.fails(network.faults().freeze())) {
                    frozenUntil = network.timeline.now() + network.random.nextLong(3 * ACK_WAIT);
                    network.say(name, "stands still");
                    network.timeline.at(frozenUntil, this);
                } else {
                    what.run();
                }
            }
        };
    }

    private <T> void ask(Supplier<T> work, Consumer<T> answered, Runnable silent) {
        // Whatever comes belongs to the life in which it was asked for.
        List<T> answer = new ArrayList<>(1);
        Runnable answeredStep = step(() -> answered.accept(answer.getFirst()));
        network.request(
                work,
                each -> {
                    answer.add(each);
                    answeredStep.run();
                },
                step(silent));
    }

    private void pull(Running channel) {
        for (Source source : channel.sources) {
            int wanted = room(channel, source) - channel.asked.getOrDefault(source, 0);
            if (wanted > 0) {
                channel.asked.merge(source, wanted, Integer::sum);
                pull(channel, source, wanted);
            }
        }
    }

    private void pull(Running channel, Source source, int wanted) {
        Runnable void_ = step(() -> {
            channel.asked.merge(source, -wanted, Integer::sum);
            pull(channel);
        });
        if (network.fails(network.faults().lost())) {
            network.timeline.after(PULL_EXPIRES, void_);
            return;
        }
        int begun = life;
        network.timeline.after(1, () -> {
            if (network.broker.isUp() && begun == life) {
                network.broker.pull(
                        source.durable(),
                        this,
                        wanted,
                        message -> network.timeline.after(1, arrival(channel, source, message, begun)));
            }
        });
    }

    private Runnable arrival(Running channel, Source source, Message message, int begun) {
        if (begun != life) {
            return () -> {};
        }
        boolean lost = network.fails(network.faults().lost());
        Runnable taken = step(() -> {
            channel.asked.merge(source, -1, Integer::sum);
            if (!lost) {
                take(channel, source, message);
            }
            pull(channel);
        });
        return lost ? () -> network.timeline.after(PULL_EXPIRES, taken) : taken;
    }

    private static int room(Running channel, Source source) {
        int free = channel.plan.concurrency - channel.running - channel.held.size();
        if (source.kind == Source.Kind.EVENTS || free <= 0) {
            return Math.max(0, free);
        }
        int share = Math.max(1, channel.plan.concurrency / 2) - source.open.size();
        return Math.max(0, Math.min(free, share));
    }

    /** As {@link Deliveries#take}. */
    private void take(Running channel, Source source, Message message) {
        Position position = Position.of(message.getReplyTo());
        Delivery known = source.open.get(position.sequence());
        if (known != null && known.position.storedNanos() == position.storedNanos()) {
            known.renew(message, network.timeline.now() * 1_000_000);
            return;
        }
        Delivery delivery = new Delivery(source, message, position, network.timeline.now() * 1_000_000);
        source.open.put(position.sequence(), delivery);
        keepAlive(delivery);
        if (source.delivered.contains(position)) {
            acknowledge(delivery);
        } else if (channel.running < channel.plan.concurrency && channel.held.isEmpty()) {
            start(channel, delivery);
        } else if (channel.logic.dropsWhenBusy()) {
            acknowledge(delivery);
        } else {
            channel.held.add(delivery);
        }
    }

    private void start(Running channel, Delivery delivery) {
        channel.running++;
        follow(channel, delivery, channel.logic.first(delivery.source.kind));
    }

    private void end(Running channel) {
        channel.running--;
        while (channel.running < channel.plan.concurrency) {
            Delivery next = channel.held.poll();
            if (next == null) {
                break;
            }
            start(channel, next);
        }
        pull(channel);
    }

    private void keepAlive(Delivery delivery) {
        network.timeline.after(ACK_WAIT / 3, step(() -> {
            if (delivery.equals(delivery.source.open.get(delivery.position.sequence())) && !delivery.isSettling()) {
                String reply = delivery.message().getReplyTo();
                network.send(() -> network.broker.progress(reply));
                keepAlive(delivery);
            }
        }));
    }

    private void follow(Running channel, Delivery delivery, Step step) {
        network.say(name, delivery.source.durable(), delivery.position, step);
        if (channel.logic.isAcknowledgedBefore(step)) {
            acknowledge(delivery);
        }
        switch (step) {
            case Step.LookUp() -> lookUp(channel, delivery);
            case Step.Offer() -> offer(channel, delivery);
            case Step.Park park ->
                store(
                        delivery,
                        channel.logic.parked(park, delivery.message()),
                        () -> follow(channel, delivery, channel.logic.parked(park)),
                        () -> follow(
                                channel, delivery, channel.logic.notParked(park, keptUntil(channel, delivery), now())));
            case Step.KeepAside aside ->
                store(
                        delivery,
                        channel.logic.letter(aside, delivery.message(), now()),
                        () -> follow(channel, delivery, channel.logic.keptAside(aside)),
                        () -> follow(
                                channel,
                                delivery,
                                channel.logic.notKeptAside(
                                        delivery.position.deliveries(), network.random.nextDouble())));
            case Step.Acknowledge() -> {
                acknowledge(delivery);
                end(channel);
            }
            case Step.GiveBack(Duration pause) -> {
                postpone(delivery, pause);
                end(channel);
            }
        }
    }

    private void lookUp(Running channel, Delivery delivery) {
        Message message = delivery.message();
        ask(
                () -> network.broker.first(delivery.source.kind.stream, message.getSubject()),
                first -> follow(
                        channel,
                        delivery,
                        first == null
                                ? channel.logic.notLookedUp()
                                : channel.logic.lookedUp(
                                        first.sequence() == delivery.position.sequence(),
                                        Parking.isCancelled(message))),
                () -> follow(channel, delivery, channel.logic.notLookedUp()));
    }

    private void offer(Running channel, Delivery delivery) {
        Passage passage;
        try {
            passage = delivery.source.passage(delivery.message(), delivery.position);
            var _ = EventMessages.event(Source.natsSubject(delivery.message()), delivery.message());
        } catch (InvalidEventException | IllegalArgumentException e) {
            follow(
                    channel,
                    delivery,
                    channel.logic.undecodable(
                            undecodable(channel, delivery), delivery.position.deliveries(), "no event"));
            return;
        }
        network.witness.offered(delivery.source, delivery.position);
        Sink.Reaction reaction = channel.plan.sink.offer(passage.sequence());
        if (reaction.taken()) {
            network.timeline.after(reaction.millis(), () -> network.witness.taken(delivery.source, delivery.position));
        }
        network.timeline.after(
                reaction.millis(),
                step(() -> follow(
                        channel,
                        delivery,
                        reaction.outcome() instanceof Outcome.Taken
                                ? channel.logic.taken(passage, delivery.position.deliveries())
                                : channel.logic.notTaken(
                                        reaction.outcome(),
                                        passage,
                                        delivery.position.deliveries(),
                                        Duration.ofMillis(reaction.millis()),
                                        keptUntil(channel, delivery),
                                        now(),
                                        network.random.nextDouble()))));
    }

    private static Instant keptUntil(Running channel, Delivery delivery) {
        return channel.plan.kept.isZero() || delivery.source.kind == Source.Kind.DUE
                ? Instant.MAX
                : Instant.ofEpochSecond(0, delivery.position.storedNanos()).plus(channel.plan.kept);
    }

    private static Passage undecodable(Running channel, Delivery delivery) {
        try {
            return delivery.source.passage(delivery.message(), delivery.position);
        } catch (IllegalArgumentException e) {
            return Passage.begin(
                    channel.plan.name,
                    delivery.message(),
                    delivery.position.sequence(),
                    delivery.position.storedNanos());
        }
    }

    private void store(Delivery delivery, Publication publication, Runnable kept, Runnable notKept) {
        Headers headers = new Headers(publication.headers()).put(WireFormat.MESSAGE_ID, publication.messageId());
        Witness.Because because = network.witness.because(delivery.source, delivery.position);
        byte[] body = delivery.message().getData();
        ask(
                () -> publish(publication, headers, body, because),
                answer -> (answer instanceof SimulatedBroker.Answer.Stored ? kept : notKept).run(),
                notKept);
    }

    private SimulatedBroker.Answer publish(
            Publication publication, Headers headers, byte[] body, Witness.Because because) {
        SimulatedBroker.Answer answer =
                network.broker.publish(publication.stream(), publication.subject(), headers, body, because);
        if (answer instanceof SimulatedBroker.Answer.Stored stored) {
            network.witness.confirmed(because, publication.stream(), stored.sequence());
        } else {
            network.witness.disturbed();
        }
        return answer;
    }

    private void postpone(Delivery delivery, Duration pause) {
        delivery.source.open.remove(delivery.position.sequence(), delivery);
        String reply = delivery.message().getReplyTo();
        network.send(() -> network.broker.nak(reply, pause.toMillis()));
    }

    private void acknowledge(Delivery delivery) {
        delivery.source.delivered.add(delivery.position);
        delivery.settle();
        ack(delivery);
    }

    private void ack(Delivery delivery) {
        String reply = delivery.message().getReplyTo();
        ask(
                () -> network.broker.ack(reply),
                confirmed -> {
                    if (confirmed) {
                        forget(delivery);
                    }
                },
                () -> {});
        network.timeline.after(ACK_REPEAT, step(() -> {
            if (delivery.equals(delivery.source.open.get(delivery.position.sequence()))) {
                if (++delivery.ackRepeats >= MAX_ACK_REPEATS) {
                    forget(delivery);
                } else {
                    ack(delivery);
                }
            }
        }));
    }

    private void forget(Delivery delivery) {
        delivery.source.open.remove(delivery.position.sequence(), delivery);
        channels.forEach(this::pull);
    }
}
