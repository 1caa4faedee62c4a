package dev.saf.consumer.delivery;

import static java.time.Duration.ZERO;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofMinutes;
import static java.time.Duration.ofSeconds;

import dev.saf.consumer.ledger.Parking;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.event.WireFormat;
import dev.saf.jetstream.EventMessages;
import dev.saf.jetstream.Streams;
import io.nats.client.impl.Headers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Some events on their way through some channels in some processes, while operators meddle and things go wrong. All of
 * it is decided by the seed.
 */
final class History {

    /** The logic that is tried. Anything but {@link #RIGHT} has a bug. */
    record Variation(Function<Steps, Logic> logic, SimulatedOperator.Manner manner) {

        static final Variation RIGHT = new Variation(steps -> () -> steps, SimulatedOperator.Manner.RIGHT);
    }

    private static final long BEGIN = Instant.parse("2026-01-01T00:00:00Z").toEpochMilli();
    private static final int MAX_HAPPENINGS = 60_000;
    private static final long MINUTE = 60_000;
    private static final byte[] BODY = "{}".getBytes(StandardCharsets.US_ASCII);
    private static final Headers EVENT = event();
    static final List<Retry> RETRIES = List.of(
            retry(3, ofSeconds(1), 4, List.of(), ZERO, ofSeconds(2)),
            retry(5, ofMillis(500), 2, List.of(), ZERO, ofSeconds(30)),
            retry(null, ofSeconds(1), 1, List.of(ofSeconds(5), ofSeconds(30), ofMinutes(5)), ZERO, ZERO),
            retry(20, ofSeconds(10), 2, List.of(), ofMinutes(10), ofSeconds(30)),
            retry(4, ofMillis(10), 1, List.of(), ZERO, ZERO),
            retry(1, ofSeconds(1), 1, List.of(), ZERO, ZERO));
    private static final long MOST = 20;

    private final Timeline timeline = new Timeline(BEGIN);
    private final RandomGenerator random;
    private final Variation variation;
    private final List<String> channels;
    private final long faultyUntil;
    private final Network network;
    private final List<SimulatedProcess> processes = new ArrayList<>();

    private History(long seed, Variation variation, @Nullable Consumer<String> story) {
        this.random = new SplittableRandom(seed);
        this.variation = variation;
        this.channels = random.nextInt(3) == 0 ? List.of("a", "b") : List.of("a");
        this.faultyUntil = BEGIN + random.nextLong(2 * MINUTE, 20 * MINUTE);
        Faults faults = Faults.of(random);
        Witness witness =
                new Witness(channels, observer -> new SimulatedBroker(timeline, () -> random.nextInt(40), observer));
        this.network = new Network(timeline, random, witness, faults, faultyUntil, story);
        network.say(faults);
    }

    /**
     * Lets a history happen.
     *
     * @param story is told what happens, null if nobody wants to know
     * @return what went against the promises; a history that does not end is among it
     */
    static List<String> violations(long seed, Variation variation, @Nullable Consumer<String> story) {
        return new History(seed, variation, story).happen();
    }

    private List<String> happen() {
        prepare();
        boolean quiet = untilQuiet();
        if (quiet) {
            // Nothing goes wrong any more; what is dead by now may be sent again.
            network.broker
                    .all(Streams.DEAD_LETTERS, Streams.DEAD_LETTERS + ".>")
                    .forEach(letter -> {
                        if (random.nextBoolean()) {
                            new SimulatedOperator("heir", network, variation.manner()).redrive(letter);
                        }
                    });
            quiet = untilQuiet();
        }
        if (quiet) {
            network.witness.judge(
                    channels.stream()
                            .flatMap(channel -> List.of("saf-" + channel, "saf-" + channel + "-due").stream())
                            .toList(),
                    MOST);
        } else {
            network.witness.violated("it does not end");
        }
        return network.witness.violations();
    }

    private boolean untilQuiet() {
        for (int i = 0; i < MAX_HAPPENINGS; i++) {
            if (!timeline.next()) {
                return true;
            }
        }
        return false;
    }

    private void prepare() {
        SimulatedBroker broker = network.broker;
        broker.addStream(Streams.EVENTS, 10 * MINUTE);
        broker.addStream(Streams.LATER, 10 * MINUTE);
        broker.addStream(Streams.DEAD_LETTERS, 60 * MINUTE);
        List<SimulatedProcess.Plan> plans = new ArrayList<>();
        for (String channel : channels) {
            broker.addDurable(Streams.EVENTS, "saf-" + channel, "events.>", SimulatedProcess.ACK_WAIT);
            broker.addDurable(
                    Streams.LATER, "saf-" + channel + "-due", Parking.DUE + channel + ".>", SimulatedProcess.ACK_WAIT);
            plans.add(new SimulatedProcess.Plan(
                    channel,
                    RETRIES.get(random.nextInt(RETRIES.size())),
                    1 + random.nextInt(2),
                    random.nextBoolean() ? Duration.ZERO : Duration.ofMinutes(random.nextInt(1, 10)),
                    new Sink(network, SimulatedProcess.TIMEOUT)));
            upkeep(channel);
        }
        for (int i = 1 + random.nextInt(3); i > 0; i--) {
            SimulatedProcess process = new SimulatedProcess("process " + i, network, plans, variation.logic());
            processes.add(process);
            timeline.after(random.nextInt(5000), process::start);
        }
        for (int i = 1 + random.nextInt(3); i > 0; i--) {
            boolean event = random.nextInt(8) > 0;
            timeline.after(
                    random.nextLong(MINUTE),
                    () -> broker.publish(Streams.EVENTS, "events.x", event ? EVENT : new Headers(), BODY, null));
        }
        for (int i = 0; i < network.faults().restarts(); i++) {
            sometime(this::restart);
        }
        if (network.faults().full()) {
            sometime(() -> full(random.nextBoolean() ? Streams.LATER : Streams.DEAD_LETTERS));
        }
        for (int i = random.nextInt(6); i > 0; i--) {
            sometime(this::operate);
        }
    }

    private void sometime(Runnable what) {
        timeline.at(random.nextLong(BEGIN, faultyUntil), what);
    }

    private void restart() {
        network.say("the server goes away");
        network.witness.disturbed();
        network.broker.stop();
        timeline.after(random.nextLong(20_000), () -> {
            if (!network.broker.isUp()) {
                network.say("the server is back");
                network.broker.start();
                processes.forEach(process -> timeline.after(random.nextInt(1000), process::reconnected));
            }
        });
    }

    private void full(String stream) {
        network.say("full", stream);
        network.broker.full(stream, true);
        timeline.at(random.nextLong(timeline.now(), faultyUntil + 1), () -> network.broker.full(stream, false));
    }

    /** Alone, or with somebody else who wants the same; often in the instant in which it would happen anyway. */
    private void operate() {
        List<SimulatedBroker.Stored> parked = network.broker.all(Streams.LATER, Parking.AT + ">");
        List<SimulatedBroker.Stored> dead = network.broker.all(Streams.DEAD_LETTERS, Streams.DEAD_LETTERS + ".>");
        for (String name : random.nextBoolean() ? List.of("operator") : List.of("operator", "other operator")) {
            SimulatedOperator operator = new SimulatedOperator(name, network, variation.manner());
            if (!parked.isEmpty()) {
                SimulatedBroker.Stored one = parked.get(random.nextInt(parked.size()));
                boolean cancel = random.nextInt(3) == 0;
                timeline.at(random.nextInt(4) == 0 ? timeline.now() : due(one) + random.nextInt(-50, 100), () -> {
                    if (cancel) {
                        operator.cancel(one);
                    } else {
                        operator.sendNow(one);
                    }
                });
            }
            if (!dead.isEmpty()) {
                SimulatedBroker.Stored one = dead.get(random.nextInt(dead.size()));
                timeline.after(random.nextInt(10), () -> operator.redrive(one));
            }
        }
    }

    private static long due(SimulatedBroker.Stored parked) {
        return Instant.parse(String.valueOf(parked.headers().getFirst("Nats-Schedule"))
                        .substring("@at ".length()))
                .toEpochMilli();
    }

    private void upkeep(String channel) {
        SimulatedOperator upkeep = new SimulatedOperator("upkeep", network, variation.manner());
        timeline.after(MINUTE, () -> {
            long settled = network.broker.floor("saf-" + channel + "-due");
            timeline.after(variation.manner().lagMillis(), () -> {
                if (network.broker.isUp()) {
                    upkeep.purge(channel, settled);
                }
            });
            if (network.isFaulty()) {
                upkeep(channel);
            }
        });
    }

    private static Headers event() {
        Headers headers =
                EventMessages.headers(Event.of("x", "1", "shop", Instant.EPOCH, Payload.of(BODY, "application/json")));
        // Each is another event, whatever its id.
        headers.remove(WireFormat.MESSAGE_ID);
        return headers;
    }

    private static Retry retry(
            @Nullable Integer attempts,
            Duration initial,
            double multiplier,
            List<Duration> schedule,
            Duration maxAge,
            Duration parkAfter) {
        return new Retry(
                attempts,
                initial,
                multiplier,
                Duration.ofHours(6),
                schedule,
                0.2,
                maxAge,
                Duration.ofHours(1),
                parkAfter);
    }
}
