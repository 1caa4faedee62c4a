package dev.saf.consumer.delivery;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Whose turn it is where events of one key are delivered one after another, in the order of their stream. Knows of each
 * key every event that is not settled, wherever it is: here, with the server for a while, or parked. Only the first of
 * them may start.
 *
 * <p>What comes while the first one is parked is to be parked behind it, so it takes no place here and the events of
 * other keys pass; when all before it are settled, it is to be sent.
 *
 * <p>Decides only: what a method returns is to be done because of it. Knows no server, and is for one thread at a time.
 *
 * @param <T> a message that has come and is not settled; told from others by being the same object
 */
final class Lanes<T> {

    /** After so long a lane whose first event has not ended does not flow. */
    static final long SLOW_MILLIS = 2_000;

    private static final int MAX_REMEMBERED = 10_000;

    /**
     * Which event it is, in the order of the stream. With the time it was stored: a stream that is made anew counts
     * from 1 again.
     */
    record Place(long sequence, long storedNanos) implements Comparable<Place> {

        @Override
        public int compareTo(Place other) {
            int bySequence = Long.compare(sequence, other.sequence);
            return bySequence != 0 ? bySequence : Long.compare(storedNanos, other.storedNanos);
        }

        /** As {@link dev.saf.consumer.ledger.Passage#life} says, of an event that is in order. */
        String life() {
            return Long.toString(storedNanos, 36);
        }
    }

    /** How often the event had been parked and offered when its message was stored: of several the last one counts. */
    record Version(long parkings, long attempts) implements Comparable<Version> {

        /** On the stream {@code events}. */
        static final Version FIRST = new Version(0, 0);

        @Override
        public int compareTo(Version other) {
            int byParkings = Long.compare(parkings, other.parkings);
            return byParkings != 0 ? byParkings : Long.compare(attempts, other.attempts);
        }
    }

    /** What is to be done. */
    sealed interface Move<T> {

        /** To start this one: it is its turn. */
        record Start<T>(T message) implements Move<T> {}

        /**
         * To park this one, and then to say {@link #parked} or {@link #back}.
         *
         * @param behind the nearest event before it
         * @param dueMillis when the first of its key is due; now or earlier if that is not parked
         */
        record PutBehind<T>(T message, Place behind, long dueMillis) implements Move<T> {}

        /** To make this one due, which is parked: all before it are settled. */
        record Send<T>(Place place, Version version) implements Move<T> {}

        /** To acknowledge this one: its event is settled, or has been parked since. */
        record Repeated<T>(T message) implements Move<T> {}

        /** To have this one come again after a while: its event is here already. */
        record Again<T>(T message) implements Move<T> {}
    }

    /**
     * An event that holds back others, and whose time to come has passed.
     *
     * @param sent whether it was to be sent
     * @param expectedMillis when it was to come
     */
    record Overdue(String key, Place place, Version version, boolean sent, long expectedMillis) {}

    private enum State {
        /** Here, and waits for its turn. */
        WAITING,
        /** Here, and something is done with it. */
        BUSY,
        /** With the server, which hands it out again. */
        AWAY,
        /** On {@code later}, because it failed. */
        PARKED,
        /** On {@code later}, because one before it is. */
        BEHIND,
        /** On {@code later}, and due. */
        SENT
    }

    private static final class Entry<T> {

        final Lane<T> lane;
        final Place place;
        State state = State.AWAY;
        Version version = Version.FIRST;

        /** Set while it is here. */
        @Nullable
        T message;

        /** Whether it may have been parked, though nobody has confirmed that. */
        boolean doubtful;

        /** When it is to come, if it is not here; since when it is busy, if it is. */
        long millis;

        Entry(Lane<T> lane, Place place) {
            this.lane = lane;
            this.place = place;
        }

        boolean isHere() {
            return message != null;
        }
    }

    private static final class Lane<T> {

        final String key;
        final NavigableMap<Place, Entry<T>> entries = new TreeMap<>();
        int waiting;
        int busy;

        Lane(String key) {
            this.key = key;
        }

        Entry<T> first() {
            return entries.firstEntry().getValue();
        }
    }

    private final LongSupplier millis;
    private final Map<String, Lane<T>> lanes = new HashMap<>();
    private final IdentityHashMap<T, Entry<T>> here = new IdentityHashMap<>();
    private final Set<Lane<T>> withWaiting = new LinkedHashSet<>();

    /** Settled, and may be parked nevertheless. */
    private final Set<Place> doubtful = Collections.newSetFromMap(new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Place, Boolean> eldest) {
            return size() > MAX_REMEMBERED;
        }
    });

    private int waiting;
    private boolean open;

    /** @param millis since 1970 */
    Lanes(LongSupplier millis) {
        this.millis = millis;
    }

    /** A message has come. Before {@link #open} it only waits. */
    List<Move<T>> arrived(String key, Place place, Version version, T message) {
        Entry<T> entry = find(key, place);
        if (entry == null && doubtful.contains(place)) {
            return List.of(new Move.Repeated<>(message));
        }
        List<Move<T>> moves = new ArrayList<>();
        if (entry != null) {
            int newer = version.compareTo(entry.version);
            if (newer < 0) {
                return List.of(new Move.Repeated<>(message));
            }
            // The one that is away must be settled first, or it would come once more to whoever knows nothing of it.
            if (entry.state == State.BUSY || (entry.state == State.AWAY && newer > 0)) {
                return List.of(new Move.Again<>(message));
            }
            if (entry.state == State.WAITING) {
                moves.add(new Move.Repeated<>(take(entry)));
            }
        } else {
            entry = make(key, place);
        }
        entry.version = version;
        entry.message = message;
        here.put(message, entry);
        become(entry, State.WAITING);
        moves.addAll(advance(entry.lane));
        return moves;
    }

    /**
     * An event is parked. Only before {@link #open}.
     *
     * @param behind whether only because one before it is
     */
    List<Move<T>> known(String key, Place place, Version version, long dueMillis, boolean behind) {
        return known(key, place, version, dueMillis, behind ? State.BEHIND : State.PARKED);
    }

    /** An event is due, and comes soon. Only before {@link #open}. */
    List<Move<T>> comes(String key, Place place, Version version) {
        return known(key, place, version, millis.getAsLong(), State.SENT);
    }

    private List<Move<T>> known(String key, Place place, Version version, long dueMillis, State state) {
        Entry<T> entry = find(key, place);
        if (entry == null) {
            entry = make(key, place);
        } else if (version.compareTo(entry.version) <= (entry.isHere() ? 0 : -1)) {
            return List.of();
        }
        List<Move<T>> moves = entry.isHere() ? List.of(new Move.Repeated<>(take(entry))) : List.of();
        leave(entry, state, version, dueMillis);
        return moves;
    }

    /** From now on what is known is complete. */
    List<Move<T>> open() {
        open = true;
        List<Move<T>> moves = new ArrayList<>();
        lanes.values().forEach(lane -> moves.addAll(advance(lane)));
        return moves;
    }

    boolean isOpen() {
        return open;
    }

    /** Forgets all, and returns what waits. What something is done with ends without it. */
    List<T> close() {
        open = false;
        List<T> left = here.entrySet().stream()
                .filter(each -> each.getValue().state == State.WAITING)
                .map(Map.Entry::getKey)
                .toList();
        lanes.clear();
        here.clear();
        withWaiting.clear();
        waiting = 0;
        return left;
    }

    /** How many have come and wait for their turn. */
    int waiting() {
        return waiting;
    }

    /** How many of some kind have come and wait for their turn. */
    int waiting(Predicate<T> kind) {
        return (int) here.entrySet().stream()
                .filter(each -> each.getValue().state == State.WAITING && kind.test(each.getKey()))
                .count();
    }

    boolean isHere(T message) {
        return here.containsKey(message);
    }

    boolean isWaiting(T message) {
        Entry<T> entry = here.get(message);
        return entry != null && entry.state == State.WAITING;
    }

    /** Takes one that waits out of the row, until {@link #done} or {@link #back}. False if it does not wait. */
    boolean withdraw(T message) {
        Entry<T> entry = here.get(message);
        if (entry == null || entry.state != State.WAITING) {
            return false;
        }
        become(entry, State.BUSY);
        return true;
    }

    /** It was not settled, and the server hands it out again after a pause. */
    List<Move<T>> away(T message, long pauseMillis) {
        Entry<T> entry = here.get(message);
        if (entry == null) {
            return List.of();
        }
        var _ = take(entry);
        leave(entry, State.AWAY, entry.version, millis.getAsLong() + pauseMillis);
        return advance(entry.lane);
    }

    /**
     * It is parked until then.
     *
     * @param behind whether only because one before it is
     */
    List<Move<T>> parked(T message, Version version, long dueMillis, boolean behind) {
        Entry<T> entry = here.get(message);
        if (entry == null) {
            return List.of();
        }
        var _ = take(entry);
        leave(entry, behind ? State.BEHIND : State.PARKED, version, dueMillis);
        return advance(entry.lane);
    }

    /** Nobody has confirmed that it is parked, but it may be. It is still here. */
    void mayBeParked(T message) {
        Entry<T> entry = here.get(message);
        if (entry != null) {
            entry.doubtful = true;
        }
    }

    /** Whether it may be parked, though it is here. */
    boolean isDoubtful(T message) {
        Entry<T> entry = here.get(message);
        return entry != null && entry.doubtful;
    }

    /** Nothing came of what was done with it; it waits again. */
    List<Move<T>> back(T message) {
        Entry<T> entry = here.get(message);
        if (entry == null) {
            return List.of();
        }
        become(entry, State.WAITING);
        // To park it again at once would fail again at once.
        return entry.lane.first().state == State.PARKED ? List.of() : advance(entry.lane);
    }

    /** Its event is settled for good. */
    List<Move<T>> done(T message) {
        Entry<T> entry = here.get(message);
        if (entry == null) {
            return List.of();
        }
        var _ = take(entry);
        return remove(entry);
    }

    /** A parked event is not to be delivered any more. */
    List<Move<T>> cancelled(String key, Place place) {
        Entry<T> entry = find(key, place);
        return entry == null || entry.isHere() ? List.of() : remove(entry);
    }

    /**
     * What waits behind an event that is parked is to be parked. To be called from time to time.
     *
     * @param tooMany whether too many wait, so that it is also to be parked behind one that does not end
     */
    List<Move<T>> relieve(boolean tooMany) {
        List<Move<T>> moves = new ArrayList<>();
        for (Lane<T> lane : List.copyOf(withWaiting)) {
            if (open && (lane.first().state == State.PARKED || (tooMany && !flows(lane.first())))) {
                moves.addAll(putBehind(lane));
            }
        }
        return moves;
    }

    private boolean flows(Entry<T> first) {
        return switch (first.state) {
            case WAITING -> true;
            case BUSY, SENT -> millis.getAsLong() - first.millis <= SLOW_MILLIS;
            case AWAY, PARKED, BEHIND -> false;
        };
    }

    /** Events that hold back others, and have not come though it was time so long ago. */
    List<Overdue> overdue(long graceMillis) {
        long before = millis.getAsLong() - graceMillis;
        List<Overdue> all = new ArrayList<>();
        for (Lane<T> lane : lanes.values()) {
            Entry<T> first = lane.first();
            if (!first.isHere() && first.millis < before) {
                all.add(new Overdue(lane.key, first.place, first.version, first.state == State.SENT, first.millis));
            }
        }
        return all;
    }

    /** It will not come any more, unless it has come since. */
    List<Move<T>> gone(Overdue missing) {
        Entry<T> entry = stillMissing(missing);
        if (entry == null) {
            return List.of();
        }
        // It was not settled: should it be parked after all, it is to be delivered.
        entry.doubtful = false;
        return remove(entry);
    }

    /** It will come. */
    void expectLater(Overdue missing) {
        Entry<T> entry = stillMissing(missing);
        if (entry != null) {
            entry.millis = millis.getAsLong();
        }
    }

    private @Nullable Entry<T> stillMissing(Overdue missing) {
        Entry<T> entry = find(missing.key, missing.place);
        return entry == null
                        || entry.isHere()
                        || !entry.version.equals(missing.version)
                        || entry.millis != missing.expectedMillis
                ? null
                : entry;
    }

    private List<Move<T>> advance(Lane<T> lane) {
        if (!open || lane.busy > 0 || lane.entries.isEmpty()) {
            return List.of();
        }
        Entry<T> first = lane.first();
        return switch (first.state) {
            case WAITING -> {
                become(first, State.BUSY);
                yield List.of(new Move.Start<>(message(first)));
            }
            case PARKED -> putBehind(lane);
            case BEHIND -> {
                leave(first, State.SENT, first.version, millis.getAsLong());
                yield List.of(new Move.Send<>(first.place, first.version));
            }
            case BUSY, AWAY, SENT -> List.of();
        };
    }

    private List<Move<T>> putBehind(Lane<T> lane) {
        List<Move<T>> moves = new ArrayList<>();
        Entry<T> first = lane.first();
        Place before = first.place;
        for (Entry<T> entry : lane.entries.values()) {
            if (entry != first && entry.state == State.WAITING) {
                become(entry, State.BUSY);
                moves.add(new Move.PutBehind<>(message(entry), before, first.millis));
            }
            before = entry.place;
        }
        return moves;
    }

    private @Nullable Entry<T> find(String key, Place place) {
        Lane<T> lane = lanes.get(key);
        return lane == null ? null : lane.entries.get(place);
    }

    private Entry<T> make(String key, Place place) {
        Lane<T> lane = lanes.computeIfAbsent(key, Lane::new);
        Entry<T> entry = new Entry<>(lane, place);
        lane.entries.put(place, entry);
        return entry;
    }

    private List<Move<T>> remove(Entry<T> entry) {
        if (entry.doubtful) {
            doubtful.add(entry.place);
        }
        become(entry, State.AWAY);
        Lane<T> lane = entry.lane;
        lane.entries.remove(entry.place);
        if (lane.entries.isEmpty()) {
            lanes.remove(lane.key);
        }
        return advance(lane);
    }

    private void leave(Entry<T> entry, State state, Version version, long expectedMillis) {
        become(entry, state);
        entry.version = version;
        entry.millis = expectedMillis;
    }

    private void become(Entry<T> entry, State state) {
        Lane<T> lane = entry.lane;
        int more = count(state, State.WAITING) - count(entry.state, State.WAITING);
        waiting += more;
        lane.waiting += more;
        if (lane.waiting > 0) {
            withWaiting.add(lane);
        } else {
            withWaiting.remove(lane);
        }
        lane.busy += count(state, State.BUSY) - count(entry.state, State.BUSY);
        if (state == State.BUSY) {
            entry.millis = millis.getAsLong();
        }
        entry.state = state;
    }

    private static int count(State state, State counted) {
        return state == counted ? 1 : 0;
    }

    private T take(Entry<T> entry) {
        T message = message(entry);
        here.remove(message);
        entry.message = null;
        return message;
    }

    private static <T> T message(Entry<T> entry) {
        T message = entry.message;
        if (message == null) {
            throw new IllegalStateException("the event at " + entry.place + " is not here");
        }
        return message;
    }
}
