package dev.saf.consumer.delivery;

import static java.util.Objects.requireNonNull;

import dev.saf.consumer.ledger.Parking;
import dev.saf.consumer.ledger.Passage;
import dev.saf.jetstream.Streams;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Sees all that happens in a simulated history, which is more than anybody in it can know, and holds it against what is
 * promised.
 */
final class Witness implements SimulatedBroker.Observer {

    /** One way of one event through one channel. */
    private record Way(String channel, long sequence, String life) {}

    private record Place(String durable, long sequence) {}

    /**
     * What a process stores because of a message that it was handed.
     *
     * @param made how many attempts had really been made by then, on the way to that message and with it
     */
    record Because(String durable, long sequence, long made) {}

    private static final class Course {
        long taken;
        long offers;
        long dead;
        boolean cancelled;
    }

    /** What is done with one message of one durable. */
    private static final class Work {
        final SimulatedBroker.Stored message;
        final TreeSet<Long> offeredIn = new TreeSet<>();
        boolean taken;
        boolean kept;

        Work(SimulatedBroker.Stored message) {
            this.message = message;
        }
    }

    private final SimulatedBroker broker;
    private final List<String> channels;
    private final Map<Way, Course> ways = new LinkedHashMap<>();
    private final Map<Place, Work> works = new HashMap<>();
    private final Map<String, Long> firstOn = new HashMap<>();
    private final Set<String> cancelled = new HashSet<>();
    private final Map<String, String> wonBy = new HashMap<>();
    private final Map<Long, Passage> letters = new LinkedHashMap<>();
    private final Map<Long, Way> onLater = new HashMap<>();
    private final Map<Long, Way> onDeadLetters = new HashMap<>();
    private final IdentityHashMap<SimulatedBroker.Stored, Passage> passages = new IdentityHashMap<>();
    private final List<String> violations = new ArrayList<>();
    private long disturbances;

    /** @param broker makes the broker that this is the witness of */
    Witness(List<String> channels, Function<SimulatedBroker.Observer, SimulatedBroker> broker) {
        this.channels = channels;
        this.broker = broker.apply(this);
    }

    SimulatedBroker broker() {
        return broker;
    }

    List<String> violations() {
        return violations;
    }

    void violated(String what) {
        violations.add(what);
    }

    /** Something happened by which an event may be offered once more than it should be. */
    void disturbed() {
        disturbances++;
    }

    long disturbances() {
        return disturbances;
    }

    /** A process offers a message's event to its channel. */
    void offered(Source source, Position position) {
        Work work = work(source, position);
        course(source.channel, work.message).offers++;
        work.offeredIn.add(position.deliveries());
        String subject = work.message.subject();
        if (source.kind == Source.Kind.DUE) {
            // A long time after something went wrong another parking may have the same name, and begins anew.
            Long first = requireNonNull(firstOn.get(subject));
            boolean counts =
                    position.sequence() == first || (disturbances > 0 && broker.get(Streams.LATER, first) == null);
            if (!counts) {
                violated("a second message on " + subject + " is offered");
            } else if (position.sequence() == first && cancelled.contains(subject)) {
                violated("cancelled, and yet offered: " + subject);
            }
        }
    }

    /** The destination has the event, whether or not the process gets to know. */
    void taken(Source source, Position position) {
        Work work = work(source, position);
        work.taken = true;
        course(source.channel, work.message).taken++;
    }

    /** To be asked when a process decides to store something: only attempts begun by then can be known to it. */
    Because because(Source source, Position position) {
        Work work = work(source, position);
        long before = work.message.tag() instanceof Because because ? because.made : 0;
        return new Because(
                source.durable(),
                position.sequence(),
                before + work.offeredIn.headSet(position.deliveries(), true).size());
    }

    /** The server has what a process wanted to be stored, and be it because it knew its id already. */
    void confirmed(Because because, String stream, long sequence) {
        Work work = works.get(new Place(because.durable, because.sequence));
        Way kept = kept(stream).get(sequence);
        if (work != null && kept != null && kept.equals(way(kept.channel, work.message))) {
            work.kept = true;
        }
    }

    private Map<Long, Way> kept(String stream) {
        return stream.equals(Streams.LATER) ? onLater : onDeadLetters;
    }

    /** Somebody was told that his is the order that counts. */
    void won(String subject, String what) {
        String other = wonBy.putIfAbsent(subject, what);
        if (other != null) {
            violated("both " + other + " and " + what + " are told to have won " + subject);
        }
    }

    /** Somebody was told that the parked event is not offered any more. */
    void cancelled(SimulatedBroker.Stored parked, String due) {
        course(passage(parked).channel(), parked).cancelled = true;
        cancelled.add(due);
    }

    @Override
    public void stored(SimulatedBroker.Stored message) {
        if (message.stream().equals(Streams.EVENTS)) {
            channels.forEach(channel -> course(channel, message));
            return;
        }
        Passage passage = passage(message);
        Course course = course(passage.channel(), message);
        kept(message.stream()).put(message.sequence(), way(passage.channel(), message));
        if (message.stream().equals(Streams.DEAD_LETTERS)) {
            letters.put(message.sequence(), passage);
            course.dead++;
            if (message.tag() instanceof Because because && passage.attempts() < because.made) {
                violated("dead letter %d tells of %d attempts, and there were %d"
                        .formatted(message.sequence(), passage.attempts(), because.made));
            }
        } else if (firstOn.putIfAbsent(message.subject(), message.sequence()) == null
                && message.headers().containsKey(Parking.CANCELLED)) {
            course.cancelled = true;
            cancelled.add(message.subject());
        }
    }

    @Override
    public void handedOut(String durable, SimulatedBroker.Stored message, long delivery) {
        works.computeIfAbsent(new Place(durable, message.sequence()), _ -> new Work(message));
    }

    @Override
    public void acknowledged(String durable, SimulatedBroker.Stored message) {
        Work work = works.get(new Place(durable, message.sequence()));
        boolean counts = !message.stream().equals(Streams.LATER)
                || (Long.valueOf(message.sequence()).equals(firstOn.get(message.subject()))
                        && !cancelled.contains(message.subject()));
        if (counts && (work == null || !(work.taken || work.kept))) {
            violated("%s %d is acknowledged to %s, and is neither delivered nor kept elsewhere"
                    .formatted(message.stream(), message.sequence(), durable));
        }
    }

    /**
     * What must hold when nothing goes wrong any more and all is quiet.
     *
     * @param most attempts that an undisturbed event may take
     */
    void judge(List<String> durables, long most) {
        for (String durable : durables) {
            if (!broker.isDone(durable)) {
                violated("all is quiet, and " + durable + " is not done");
            }
        }
        broker.all(Streams.LATER, Parking.AT + ">").forEach(parked -> violated("parked for ever: " + parked.subject()));
        ways.forEach((way, course) -> judge(way, course, most));
        letters.forEach((sequence, passage) -> {
            Way next = new Way(
                    passage.channel(), passage.sequence(), passage.redriven().life());
            if (broker.get(Streams.DEAD_LETTERS, sequence) == null && !ways.containsKey(next)) {
                violated("dead letter %d is gone, and was not sent again".formatted(sequence));
            }
        });
    }

    private void judge(Way way, Course course, long most) {
        int ends = (course.taken > 0 ? 1 : 0) + (course.dead > 0 ? 1 : 0) + (course.cancelled ? 1 : 0);
        if (ends == 0) {
            violated("lost: " + way);
        }
        if (disturbances == 0 && (ends > 1 || course.taken > 1 || course.dead > 1)) {
            violated("nothing went wrong, and yet %s was taken %d times, is dead %d times%s"
                    .formatted(way, course.taken, course.dead, course.cancelled ? ", and was cancelled" : ""));
        }
        // Each disturbance may add an offer, or a second message for the same event, with attempts of its own.
        if (course.offers > most * (1 + disturbances) + disturbances) {
            violated("%s was offered %d times, with at most %d attempts and %d disturbances"
                    .formatted(way, course.offers, most, disturbances));
        }
    }

    private Work work(Source source, Position position) {
        Work work = works.get(new Place(source.durable(), position.sequence()));
        if (work == null) {
            throw new IllegalArgumentException("never handed out: " + source.durable() + " " + position);
        }
        return work;
    }

    private Course course(String channel, SimulatedBroker.Stored message) {
        return ways.computeIfAbsent(way(channel, message), _ -> new Course());
    }

    private Way way(String channel, SimulatedBroker.Stored message) {
        Passage passage = message.stream().equals(Streams.EVENTS)
                ? Passage.begin(channel, message.message(), message.sequence(), message.storedNanos())
                : passage(message);
        return new Way(channel, passage.sequence(), passage.life());
    }

    private Passage passage(SimulatedBroker.Stored message) {
        return passages.computeIfAbsent(message, stored -> Passage.read(stored.headers()));
    }
}
