package dev.saf.consumer.delivery;

import dev.saf.consumer.delivery.SimulatedOperator.Manner;
import dev.saf.consumer.ledger.Attempt;
import dev.saf.consumer.ledger.Parking;
import dev.saf.consumer.ledger.Passage;
import dev.saf.consumer.ledger.Publication;
import dev.saf.consumer.ledger.Reason;
import io.nats.client.Message;
import io.nats.client.impl.Headers;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/** Bugs that one could have written, and that some have. */
final class Mutants {

    private static final long LAG = 60_000;

    private Mutants() {}

    /** All of them, by name. */
    static Map<String, History.Variation> all() {
        Map<String, History.Variation> all = new LinkedHashMap<>();
        add(all, AcknowledgesBeforeItOffers::new);
        add(all, AcknowledgesBeforeItParks::new);
        add(all, AcknowledgesBeforeTheDeadLetterIsStored::new);
        add(all, DropsAndAcknowledgesWhenBusy::new);
        add(all, AcknowledgesWhatIsNoEvent::new);
        add(all, AcknowledgesWhatCouldNotBeLookedUp::new);
        add(all, AcknowledgesThoughTheDeadLetterWasRefused::new);
        add(all, TakesSilenceForParked::new);
        add(all, GivesBackWhatWasTaken::new);
        add(all, GivesBackWhatIsParked::new);
        add(all, NeverGivesUp::new);
        add(all, ForgetsTheAttemptsWhenItParks::new);
        add(all, CountsOnlyTheAttemptsOfItsOwnProcess::new);
        add(all, OffersAlsoTheSecondOnADueSubject::new);
        add(all, OffersWhatWasCancelled::new);
        add(all, NamesDeadLettersWithoutTheLife::new);
        add(all, NamesDueSubjectsByTheAttemptOnly::new);
        add(all, ParksAllOfALifeOnOneSubject::new);
        add(all, "SendsWithoutLookingWhetherItWasSent", new Manner(false, false, false, LAG, true));
        add(all, "DeletesADeadLetterBeforeItSendsIt", new Manner(true, true, false, LAG, true));
        add(all, "CancelsByDeletingTheSchedule", new Manner(true, false, true, LAG, true));
        add(all, "PurgesWithoutALag", new Manner(true, false, false, 0, true));
        add(all, "PurgesTheTraceOfAnUnfinishedRedrive", new Manner(true, false, false, LAG, false));
        return all;
    }

    private static void add(Map<String, History.Variation> all, Function<Steps, Logic> logic) {
        String name = logic.apply(new Steps(History.RETRIES.getFirst(), new Failures()))
                .getClass()
                .getSimpleName();
        all.put(name, new History.Variation(logic, Manner.RIGHT));
    }

    private static void add(Map<String, History.Variation> all, String name, Manner manner) {
        all.put(name, new History.Variation(History.Variation.RIGHT.logic(), manner));
    }

    private record AcknowledgesBeforeItOffers(Steps steps) implements Logic {
        @Override
        public boolean isAcknowledgedBefore(Step step) {
            return step instanceof Step.Offer;
        }
    }

    private record AcknowledgesBeforeItParks(Steps steps) implements Logic {
        @Override
        public boolean isAcknowledgedBefore(Step step) {
            return step instanceof Step.Park;
        }
    }

    private record AcknowledgesBeforeTheDeadLetterIsStored(Steps steps) implements Logic {
        @Override
        public boolean isAcknowledgedBefore(Step step) {
            return step instanceof Step.KeepAside;
        }
    }

    /** As the Go program of the same name does. */
    private record DropsAndAcknowledgesWhenBusy(Steps steps) implements Logic {
        @Override
        public boolean dropsWhenBusy() {
            return true;
        }
    }

    /** As the Go program of the same name does. */
    private record AcknowledgesWhatIsNoEvent(Steps steps) implements Logic {
        @Override
        public Step undecodable(Passage carried, long handedOut, String error) {
            return Step.ACKNOWLEDGE;
        }
    }

    private record AcknowledgesWhatCouldNotBeLookedUp(Steps steps) implements Logic {
        @Override
        public Step notLookedUp() {
            return Step.ACKNOWLEDGE;
        }
    }

    private record AcknowledgesThoughTheDeadLetterWasRefused(Steps steps) implements Logic {
        @Override
        public Step notKeptAside(long handedOut, double chance) {
            return Step.ACKNOWLEDGE;
        }
    }

    private record TakesSilenceForParked(Steps steps) implements Logic {
        @Override
        public Step notParked(Step.Park park, Instant keptUntil, Instant now) {
            return Step.ACKNOWLEDGE;
        }
    }

    private record GivesBackWhatWasTaken(Steps steps) implements Logic {
        @Override
        public Step taken(Passage carried, long handedOut) {
            return new Step.GiveBack(Duration.ofSeconds(1));
        }
    }

    private record GivesBackWhatIsParked(Steps steps) implements Logic {
        @Override
        public Step parked(Step.Park park) {
            return new Step.GiveBack(Duration.ofSeconds(1));
        }
    }

    private record NeverGivesUp(Steps steps) implements Logic {
        @Override
        public Step notTaken(
                Outcome outcome,
                Passage carried,
                long handedOut,
                Duration took,
                Instant keptUntil,
                Instant now,
                double chance) {
            Step step = steps.notTaken(outcome, carried, handedOut, took, keptUntil, now, chance);
            return step instanceof Step.KeepAside(Passage passage, Reason reason, String error)
                            && reason == Reason.GAVE_UP
                    ? new Step.Park(passage, now.plusSeconds(30), error)
                    : step;
        }
    }

    private record ForgetsTheAttemptsWhenItParks(Steps steps) implements Logic {
        @Override
        public Publication parked(Step.Park park, Message message) {
            return Parking.parked(park.passage().withAttempts(0), message.getHeaders(), park.due());
        }
    }

    private record CountsOnlyTheAttemptsOfItsOwnProcess(Steps steps, Failures seen) implements Logic {
        CountsOnlyTheAttemptsOfItsOwnProcess(Steps steps) {
            this(steps, new Failures());
        }

        @Override
        public Step notTaken(
                Outcome outcome,
                Passage carried,
                long handedOut,
                Duration took,
                Instant keptUntil,
                Instant now,
                double chance) {
            long made = Math.max(carried.attempts(), seen.attempts(carried)) + 1;
            var _ = seen.add(carried, new Attempt(made, now, took, Outcome.error(outcome)));
            return steps.notTaken(outcome, carried, made - carried.attempts(), took, keptUntil, now, chance);
        }
    }

    private record OffersAlsoTheSecondOnADueSubject(Steps steps) implements Logic {
        @Override
        public Step lookedUp(boolean counts, boolean cancelled) {
            return steps.lookedUp(true, cancelled);
        }
    }

    private record OffersWhatWasCancelled(Steps steps) implements Logic {
        @Override
        public Step lookedUp(boolean counts, boolean cancelled) {
            return steps.lookedUp(counts, false);
        }
    }

    private record NamesDeadLettersWithoutTheLife(Steps steps) implements Logic {
        @Override
        public Publication letter(Step.KeepAside aside, Message message, Instant now) {
            Publication letter = Logic.super.letter(aside, message, now);
            String id = letter.messageId();
            return new Publication(
                    letter.stream(), letter.subject(), letter.headers(), id.substring(0, id.lastIndexOf('/')));
        }
    }

    private record NamesDueSubjectsByTheAttemptOnly(Steps steps) implements Logic {
        @Override
        public Publication parked(Step.Park park, Message message) {
            Publication parked = Logic.super.parked(park, message);
            Passage passage = park.passage();
            String due = Parking.DUE + passage.channel() + "." + passage.sequence() + "." + passage.attempts();
            Headers headers = new Headers(parked.headers()).put("Nats-Schedule-Target", due);
            return new Publication(parked.stream(), Parking.at(due), headers, due);
        }
    }

    private record ParksAllOfALifeOnOneSubject(Steps steps) implements Logic {
        @Override
        public Publication parked(Step.Park park, Message message) {
            Publication parked = Logic.super.parked(park, message);
            String at = parked.subject();
            return new Publication(
                    parked.stream(), at.substring(0, at.lastIndexOf('.')), parked.headers(), parked.messageId());
        }
    }
}
