package dev.saf.consumer.delivery;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;

/** A destination that does with each event what was rolled for it. */
final class Sink {

    private static final List<Outcome> FAILURES = List.of(
            Outcome.Failed.ofEvent("fails"),
            Outcome.Failed.ofDestination("is away"),
            new Outcome.Failed("asks for a pause", true, Duration.ofSeconds(20)));

    /**
     * What becomes of one offer.
     *
     * @param taken whether the destination has the event, which the process may be told otherwise
     */
    record Reaction(Outcome outcome, long millis, boolean taken) {}

    private final RandomGenerator random;
    private final Network network;
    private final long timeoutMillis;
    private final Map<Long, List<Reaction>> planned = new HashMap<>();
    private final Map<Long, Integer> offers = new HashMap<>();

    Sink(Network network, long timeoutMillis) {
        this.random = network.random;
        this.network = network;
        this.timeoutMillis = timeoutMillis;
    }

    /** How it reacts to the event this time. */
    Reaction offer(long sequence) {
        List<Reaction> plan = planned.computeIfAbsent(sequence, _ -> plan());
        int offer = offers.merge(sequence, 1, Integer::sum);
        Reaction reaction = plan.get(Math.min(offer, plan.size()) - 1);
        if (reaction.taken && !(reaction.outcome instanceof Outcome.Taken)) {
            network.witness.disturbed();
        }
        return reaction;
    }

    /** One reaction after the other, the last one for ever. */
    private List<Reaction> plan() {
        List<Reaction> plan = new ArrayList<>();
        int failures = switch (random.nextInt(4)) {
            case 0 -> 0;
            case 1 -> 1 + random.nextInt(3);
            case 2 -> 1 + random.nextInt(8);
            default -> 100;
        };
        for (int i = 0; i < Math.min(failures, 10); i++) {
            plan.add(failure());
        }
        if (failures < 100) {
            plan.add(new Reaction(new Outcome.Taken(), millis(), true));
        }
        return plan;
    }

    private Reaction failure() {
        return switch (random.nextInt(12)) {
            case 0 -> new Reaction(new Outcome.Rejected("never"), millis(), false);
            case 1 -> new Reaction(Outcome.Failed.ofDestination("took too long"), timeoutMillis, false);
            case 2 -> {
                boolean taken = network.faults().unanswered() > 0;
                yield new Reaction(Outcome.Failed.ofDestination("no answer"), millis(), taken);
            }
            default -> new Reaction(FAILURES.get(random.nextInt(FAILURES.size())), millis(), false);
        };
    }

    private long millis() {
        return random.nextInt(8) == 0 ? random.nextLong(timeoutMillis) : random.nextInt(50);
    }
}
