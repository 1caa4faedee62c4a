package dev.saf.consumer.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.consumer.delivery.Lanes.Move;
import dev.saf.consumer.delivery.Lanes.Place;
import dev.saf.consumer.delivery.Lanes.Version;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LanesTest {

    private static final Version ONCE = new Version(1, 1);
    private static final Version BEHIND = new Version(1, 0);

    private long now = 1_000_000;
    private final Lanes<String> lanes = opened();

    private Lanes<String> opened() {
        Lanes<String> created = new Lanes<>(() -> now);
        assertThat(created.open()).isEmpty();
        return created;
    }

    private static Place at(long sequence) {
        return new Place(sequence, 1);
    }

    private List<Move<String>> comes(String key, long sequence) {
        // Interned, as literals are: messages are told apart by what they are and not by what they say.
        return lanes.arrived(key, at(sequence), Version.FIRST, (key + sequence).intern());
    }

    private static Move<String> start(String message) {
        return new Move.Start<>(message);
    }

    private static Move<String> send(long sequence, Version version) {
        return new Move.Send<>(at(sequence), version);
    }

    @Test
    void startsWhatIsFirstAndTheNextWhenThatIsDone() {
        assertThat(comes("a", 1)).containsExactly(start("a1"));
        assertThat(comes("a", 2)).isEmpty();
        assertThat(comes("a", 4)).isEmpty();
        assertThat(comes("b", 3)).containsExactly(start("b3"));
        assertThat(lanes.waiting()).isEqualTo(2);
        assertThat(lanes.done("a1")).containsExactly(start("a2"));
        assertThat(lanes.done("a2")).containsExactly(start("a4"));
        assertThat(lanes.done("a4")).isEmpty();
        assertThat(lanes.waiting()).isZero();
        assertThat(lanes.done("b3")).isEmpty();
    }

    @Test
    void holdsBackTheOthersOfItsKeyWhileOneIsAway() {
        comes("a", 1);
        comes("a", 2);
        assertThat(lanes.away("a1", 1_000)).isEmpty();
        assertThat(comes("a", 3)).isEmpty();
        assertThat(comes("b", 4)).containsExactly(start("b4"));
        assertThat(lanes.arrived("a", at(1), Version.FIRST, "a1 again")).containsExactly(start("a1 again"));
        assertThat(lanes.done("a1 again")).containsExactly(start("a2"));
    }

    @Test
    void parksWhatWaitsOrComesBehindAParkedOneAndSendsItInOrder() {
        comes("a", 1);
        comes("a", 2);
        assertThat(lanes.parked("a1", ONCE, 5_000_000, false))
                .containsExactly(new Move.PutBehind<>("a2", at(1), 5_000_000));
        assertThat(comes("a", 3)).isEmpty();
        assertThat(lanes.parked("a2", BEHIND, 6_000_000, true))
                .containsExactly(new Move.PutBehind<>("a3", at(2), 5_000_000));
        assertThat(lanes.parked("a3", BEHIND, 6_000_000, true)).isEmpty();
        assertThat(lanes.waiting()).isZero();
        assertThat(lanes.arrived("a", at(1), ONCE, "due 1")).containsExactly(start("due 1"));
        // What comes while the first one does not stand still may as well wait here.
        assertThat(comes("a", 4)).isEmpty();
        assertThat(lanes.done("due 1")).containsExactly(send(2, BEHIND));
        assertThat(lanes.arrived("a", at(2), BEHIND, "due 2")).containsExactly(start("due 2"));
        assertThat(lanes.done("due 2")).containsExactly(send(3, BEHIND));
        assertThat(lanes.arrived("a", at(3), BEHIND, "due 3")).containsExactly(start("due 3"));
        assertThat(lanes.done("due 3")).containsExactly(start("a4"));
    }

    @Test
    void parksAgainWhatIsDueBeforeItsTurn() {
        comes("a", 1);
        lanes.parked("a1", ONCE, 0, false);
        comes("a", 2);
        lanes.parked("a2", BEHIND, 0, true);
        assertThat(lanes.arrived("a", at(2), BEHIND, "early")).containsExactly(new Move.PutBehind<>("early", at(1), 0));
        Version twice = new Version(2, 0);
        assertThat(lanes.parked("early", twice, 0, true)).isEmpty();
        assertThat(lanes.arrived("a", at(1), ONCE, "due 1")).containsExactly(start("due 1"));
        assertThat(lanes.done("due 1")).containsExactly(send(2, twice));
    }

    @Test
    void acknowledgesWhatComesAgainThoughItWasParkedSince() {
        comes("a", 1);
        lanes.parked("a1", ONCE, 0, false);
        assertThat(lanes.arrived("a", at(1), Version.FIRST, "old")).containsExactly(new Move.Repeated<>("old"));
        assertThat(lanes.arrived("a", at(1), ONCE, "due")).containsExactly(start("due"));
        assertThat(lanes.arrived("a", at(1), ONCE, "double")).containsExactly(new Move.Again<>("double"));
    }

    @Test
    void acknowledgesWhatWasParkedInDoubtOnceItIsSettled() {
        comes("a", 1);
        comes("a", 2);
        lanes.mayBeParked("a1");
        lanes.away("a1", 0);
        assertThat(lanes.arrived("a", at(1), Version.FIRST, "again")).containsExactly(start("again"));
        assertThat(lanes.arrived("a", at(1), ONCE, "due")).containsExactly(new Move.Again<>("due"));
        assertThat(lanes.done("again")).containsExactly(start("a2"));
        assertThat(lanes.arrived("a", at(1), ONCE, "due again")).containsExactly(new Move.Repeated<>("due again"));
    }

    @Test
    void keepsWhatCannotBeParked() {
        comes("a", 1);
        lanes.parked("a1", ONCE, 0, false);
        comes("a", 2);
        assertThat(lanes.back("a2")).isEmpty();
        assertThat(lanes.waiting()).isEqualTo(1);
        assertThat(lanes.relieve(false)).containsExactly(new Move.PutBehind<>("a2", at(1), 0));
        assertThat(lanes.back("a2")).isEmpty();
        lanes.arrived("a", at(1), ONCE, "due");
        assertThat(lanes.done("due")).containsExactly(start("a2"));
        assertThat(lanes.done("a2")).isEmpty();
    }

    @Test
    void startsWhatCouldNotBeParkedIfItIsFirstByThen() {
        comes("a", 1);
        lanes.parked("a1", ONCE, 0, false);
        comes("a", 2);
        // Its turn is only when what is done with others has ended.
        assertThat(lanes.arrived("a", at(1), ONCE, "due")).isEmpty();
        assertThat(lanes.back("a2")).containsExactly(start("due"));
        assertThat(lanes.done("due")).containsExactly(start("a2"));
    }

    @Test
    void whenTooManyWaitParksThoseWhoseFirstDoesNotEnd() {
        comes("slow", 1);
        comes("slow", 2);
        comes("failing", 3);
        comes("failing", 4);
        lanes.away("failing3", 1_000);
        now += Lanes.SLOW_MILLIS;
        comes("good", 5);
        comes("good", 6);
        assertThat(lanes.relieve(false)).isEmpty();
        assertThat(lanes.relieve(true)).containsExactly(new Move.PutBehind<>("failing4", at(3), now - 1_000));
        now++;
        assertThat(lanes.relieve(true)).hasSize(1).first().isInstanceOf(Move.PutBehind.class);
        assertThat(lanes.relieve(true)).isEmpty();
        assertThat(lanes.parked("slow2", BEHIND, 0, true)).isEmpty();
        assertThat(lanes.done("slow1")).containsExactly(send(2, BEHIND));
    }

    @Test
    void startsNothingUntilItKnowsAll() {
        Lanes<String> fresh = new Lanes<>(() -> now);
        assertThat(fresh.arrived("a", at(3), Version.FIRST, "a3")).isEmpty();
        assertThat(fresh.arrived("a", at(1), Version.FIRST, "a1")).isEmpty();
        assertThat(fresh.arrived("b", at(4), Version.FIRST, "b4")).isEmpty();
        assertThat(fresh.arrived("c", at(5), Version.FIRST, "c5")).isEmpty();
        assertThat(fresh.known("b", at(2), ONCE, 7, false)).isEmpty();
        assertThat(fresh.known("d", at(6), BEHIND, 7, true)).isEmpty();
        assertThat(fresh.known("c", at(5), ONCE, 7, false)).containsExactly(new Move.Repeated<>("c5"));
        assertThat(fresh.comes("e", at(7), ONCE)).isEmpty();
        assertThat(fresh.arrived("e", at(8), Version.FIRST, "e8")).isEmpty();
        assertThat(fresh.open())
                .containsExactlyInAnyOrder(start("a1"), new Move.PutBehind<>("b4", at(2), 7), send(6, BEHIND));
    }

    @Test
    void whatIsClosedHasNoMoreMovesAndReturnsWhatWaits() {
        comes("a", 1);
        comes("a", 2);
        comes("b", 3);
        lanes.parked("b3", ONCE, 0, false);
        comes("b", 4);
        assertThat(lanes.close()).containsExactly("a2");
        assertThat(lanes.done("a1")).isEmpty();
        assertThat(lanes.parked("b4", BEHIND, 0, true)).isEmpty();
        assertThat(lanes.back("b4")).isEmpty();
        assertThat(lanes.waiting()).isZero();
    }

    @Test
    void aCancelledOneHoldsNobodyBack() {
        comes("a", 1);
        lanes.parked("a1", ONCE, 0, false);
        comes("a", 2);
        lanes.parked("a2", BEHIND, 0, true);
        assertThat(lanes.cancelled("a", at(1))).containsExactly(send(2, BEHIND));
        assertThat(lanes.cancelled("a", at(2))).isEmpty();
        assertThat(comes("a", 3)).containsExactly(start("a3"));
    }

    @Test
    void whatIsTakenOutOfTheRowHoldsItUpUntilItIsBackOrDone() {
        comes("a", 1);
        comes("a", 2);
        comes("a", 3);
        assertThat(lanes.withdraw("a1")).isFalse();
        assertThat(lanes.withdraw("a2")).isTrue();
        assertThat(lanes.done("a1")).isEmpty();
        assertThat(lanes.done("a2")).containsExactly(start("a3"));
    }

    @Test
    void tellsWhatIsMissedAndGoesOnWithoutIt() {
        comes("a", 1);
        comes("a", 2);
        lanes.away("a1", 1_000);
        assertThat(lanes.overdue(500)).isEmpty();
        now += 1_501;
        List<Lanes.Overdue> overdue = lanes.overdue(500);
        assertThat(overdue).containsExactly(new Lanes.Overdue("a", at(1), Version.FIRST, false, now - 501));
        lanes.expectLater(overdue.getFirst());
        assertThat(lanes.overdue(500)).isEmpty();
        assertThat(lanes.gone(overdue.getFirst())).isEmpty();
        now += 501;
        assertThat(lanes.gone(lanes.overdue(500).getFirst())).containsExactly(start("a2"));
    }

    @Test
    void inRandomHistoriesNothingOvertakesAndNothingIsForgotten() {
        for (int seed = 0; seed < 20_000; seed++) {
            new World(new Random(seed), "seed " + seed).run();
        }
    }

    /** A message as the server hands it out. */
    private static final class Sent {

        final long sequence;
        final Version version;
        final boolean cancelled;
        long handedOut;

        Sent(long sequence, Version version, boolean cancelled) {
            this.sequence = sequence;
            this.version = version;
            this.cancelled = cancelled;
        }

        @Override
        public String toString() {
            return sequence + " " + version;
        }
    }

    /** What a due subject is made of. */
    private record Parked(long sequence, Version version) {}

    /** Two streams, a server that hands out what is on them, and a process that may be killed between any two steps. */
    private static final class World {

        private static final int EVENTS = 12;

        private final Random random;
        private final String seed;
        private final boolean crashes;
        private final Map<Long, String> keys = new HashMap<>();
        private final Map<String, Long> offered = new HashMap<>();
        private final Set<Long> settled = new HashSet<>();
        private final Deque<Sent> due = new ArrayDeque<>();
        private final List<Sent> again = new ArrayList<>();
        private final Set<Sent> unacknowledged = new HashSet<>();

        /** With whether it is behind another. */
        private final Map<Parked, Boolean> parked = new HashMap<>();

        private final Set<Parked> sent = new HashSet<>();
        private final List<Runnable> underWay = new ArrayList<>();
        private long next = 1;
        private boolean calm;
        private Lanes<Sent> lanes = new Lanes<>(() -> 0);

        World(Random random, String seed) {
            this.random = random;
            this.seed = seed;
            this.crashes = random.nextBoolean();
            for (long i = 1; i <= EVENTS; i++) {
                keys.put(i, "k" + random.nextInt(3));
            }
        }

        void run() {
            follow(lanes.open());
            for (int i = 0; i < 150; i++) {
                step();
            }
            calm = true;
            for (int i = 0; i < 5_000 && !isOver(); i++) {
                step();
            }
            assertThat(settled).as(seed).hasSize(EVENTS);
            assertThat(isOver()).as(seed).isTrue();
        }

        private boolean isOver() {
            return settled.size() == EVENTS
                    && parked.isEmpty()
                    && due.isEmpty()
                    && unacknowledged.isEmpty()
                    && again.isEmpty();
        }

        private void step() {
            switch (random.nextInt(calm ? 7 : 11)) {
                case 0 -> handOutNew();
                case 1 -> handOutDue();
                case 2 -> handOutAgain();
                case 3 -> follow(lanes.relieve(random.nextInt(10) == 0));
                case 4 -> fire();
                case 7 -> operate();
                case 8 -> {
                    if (crashes && random.nextInt(5) == 0) {
                        crash();
                    }
                }
                default -> goOn();
            }
        }

        private void handOutNew() {
            if (next <= EVENTS) {
                handOut(new Sent(next++, Version.FIRST, false));
            }
        }

        private void handOutDue() {
            if (!due.isEmpty()) {
                handOut(due.remove());
            }
        }

        private void handOutAgain() {
            if (!again.isEmpty()) {
                handOut(again.remove(random.nextInt(again.size())));
            }
        }

        private void handOut(Sent message) {
            message.handedOut++;
            unacknowledged.add(message);
            if (message.cancelled) {
                settled.add(message.sequence);
                unacknowledged.remove(message);
                follow(lanes.cancelled(key(message.sequence), place(message.sequence)));
            } else {
                follow(lanes.arrived(key(message.sequence), place(message.sequence), message.version, message));
            }
        }

        private void goOn() {
            if (!underWay.isEmpty()) {
                underWay.remove(random.nextInt(underWay.size())).run();
            }
        }

        /** The schedule of one that is parked; of one behind others only now and then. */
        private void fire() {
            Parked one = anyParked();
            if (one != null && (!parked.getOrDefault(one, false) || random.nextInt(20) == 0)) {
                send(one, false);
            }
        }

        private void operate() {
            Parked one = anyParked();
            if (one != null && random.nextInt(4) == 0 && !settled.contains(one.sequence)) {
                send(one, !crashes && random.nextInt(3) == 0 && isOnly(one));
            }
        }

        private boolean isOnly(Parked one) {
            return parked.keySet().stream()
                                    .filter(each -> each.sequence == one.sequence)
                                    .count()
                            == 1
                    && unacknowledged.stream().noneMatch(each -> each.sequence == one.sequence)
                    && again.stream().noneMatch(each -> each.sequence == one.sequence)
                    && due.stream().noneMatch(each -> each.sequence == one.sequence);
        }

        private @Nullable Parked anyParked() {
            List<Parked> all = List.copyOf(parked.keySet());
            return all.isEmpty() ? null : all.get(random.nextInt(all.size()));
        }

        /** Only the first message on a due subject counts, so there is no second one here. */
        private void send(Parked one, boolean cancelled) {
            if (parked.remove(one) != null && sent.add(one)) {
                due.add(new Sent(one.sequence, one.version, cancelled));
            }
        }

        private void crash() {
            lanes.close();
            underWay.clear();
            again.addAll(unacknowledged);
            unacknowledged.clear();
            lanes = new Lanes<>(() -> 0);
            while (!again.isEmpty()) {
                switch (random.nextInt(4)) {
                    case 0 -> handOutNew();
                    case 1 -> handOutDue();
                    default -> handOutAgain();
                }
            }
            parked.forEach((one, behind) ->
                    follow(lanes.known(key(one.sequence), place(one.sequence), one.version, 0, behind)));
            due.forEach(each -> follow(lanes.comes(key(each.sequence), place(each.sequence), each.version)));
            follow(lanes.open());
        }

        /** What is a repeat is acknowledged before anything that comes of the same decision is begun. */
        private void follow(List<Move<Sent>> moves) {
            for (Move<Sent> move : moves) {
                if (move instanceof Move.Repeated<Sent>(Sent message)) {
                    unacknowledged.remove(message);
                    continue;
                }
                underWay.add(
                        switch (move) {
                            case Move.Start<Sent>(Sent message) -> () -> offer(message);
                            case Move.PutBehind<Sent> behind -> () -> park(behind.message(), true);
                            case Move.Send<Sent>(Place place, Version version) ->
                                () -> send(new Parked(place.sequence(), version), false);
                            case Move.Repeated<Sent> _ -> throw new AssertionError();
                            case Move.Again<Sent>(Sent message) -> () -> handBack(message);
                        });
            }
        }

        private void handBack(Sent message) {
            unacknowledged.remove(message);
            again.add(message);
        }

        private void offer(Sent message) {
            if (lanes.isDoubtful(message)) {
                Parked newest = newest(message);
                if (newest != null) {
                    unacknowledged.remove(message);
                    follow(lanes.parked(message, newest.version, 0, parked.getOrDefault(newest, false)));
                    return;
                }
            }
            long last = offered.merge(key(message.sequence), message.sequence, Math::max);
            assertThat(last).as("%s: %s comes after a later one", seed, message).isEqualTo(message.sequence);
            for (long before = 1; before < message.sequence; before++) {
                if (key(message.sequence).equals(key(before))) {
                    assertThat(settled).as("%s: %s has its turn", seed, message).contains(before);
                }
            }
            assertThat(crashes || !settled.contains(message.sequence))
                    .as("%s: %s is settled", seed, message)
                    .isTrue();
            switch (calm ? 0 : random.nextInt(4)) {
                case 0 -> {
                    settled.add(message.sequence);
                    underWay.add(() -> {
                        unacknowledged.remove(message);
                        follow(lanes.done(message));
                    });
                }
                case 1, 2 -> {
                    follow(lanes.away(message, 0));
                    handBack(message);
                }
                default -> park(message, false);
            }
        }

        /** What is on the other stream of the same event, if that was parked since. */
        private @Nullable Parked newest(Sent message) {
            return Stream.concat(parked.keySet().stream(), sent.stream())
                    .filter(each -> each.sequence == message.sequence && each.version.compareTo(message.version) > 0)
                    .max(Comparator.comparing(Parked::version))
                    .orElse(null);
        }

        private void park(Sent message, boolean behind) {
            Version version = new Version(
                    message.version.parkings() + 1, message.version.attempts() + (behind ? 0 : message.handedOut));
            int luck = calm ? 3 : random.nextInt(8);
            boolean stored = luck > 1;
            boolean doubtful = luck == 1 || luck == 2;
            if (stored && !sent.contains(new Parked(message.sequence, version))) {
                parked.put(new Parked(message.sequence, version), behind);
            }
            if (stored && !doubtful) {
                underWay.add(() -> {
                    unacknowledged.remove(message);
                    follow(lanes.parked(message, version, 0, behind));
                });
                return;
            }
            if (doubtful) {
                lanes.mayBeParked(message);
            }
            if (behind) {
                follow(lanes.back(message));
            } else {
                follow(lanes.away(message, 0));
                handBack(message);
            }
        }

        private String key(long sequence) {
            return keys.getOrDefault(sequence, "");
        }

        private static Place place(long sequence) {
            return new Place(sequence, 1);
        }
    }
}
