package dev.saf.consumer.delivery;

import dev.saf.event.WireFormat;
import io.nats.client.Message;
import io.nats.client.impl.Headers;
import io.nats.client.impl.NatsMessage;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What Saf needs of nats-server, in virtual time and without a network: streams that know ids again, schedules, and
 * durables. {@link ConformanceIT} holds it to the real one.
 */
final class SimulatedBroker {

    /** The publish was refused, because the subject is not empty. */
    static final int WRONG_LAST_SEQUENCE = 10071;

    /** The publish was refused, because the stream is full. */
    static final int FULL = 10077;

    private static final String SCHEDULE = "Nats-Schedule";
    private static final String TARGET = "Nats-Schedule-Target";
    private static final String SCHEDULER = "Nats-Scheduler";
    private static final String NEXT = "Nats-Schedule-Next";
    private static final String EXPECTED = "Nats-Expected-Last-Subject-Sequence";

    /** What the server says to a publish. */
    sealed interface Answer {
        /** The stream has the message, under this number; it is another one if the id was known. */
        record Stored(long sequence, boolean duplicate) implements Answer {}

        record Refused(int code) implements Answer {}
    }

    /**
     * A message on a stream.
     *
     * @param tag whatever the publisher wants to know again; the server does not know of it
     */
    record Stored(
            String stream,
            long sequence,
            long storedNanos,
            String subject,
            Headers headers,
            Message message,
            @Nullable Object tag) {}

    private static final class Stream {
        final String name;
        final long windowMillis;
        final TreeMap<Long, Stored> messages = new TreeMap<>();
        final Map<String, Stored> ids = new LinkedHashMap<>();
        long last;
        boolean full;

        Stream(String name, long windowMillis) {
            this.name = name;
            this.windowMillis = windowMillis;
        }
    }

    private static final class Pending {
        long sinceMillis;
    }

    private static final class Pull {
        final Object owner;
        final Consumer<Message> receiver;
        int missing;

        Pull(Object owner, int missing, Consumer<Message> receiver) {
            this.owner = owner;
            this.missing = missing;
            this.receiver = receiver;
        }
    }

    private static final class Durable {
        final String name;
        final Stream stream;
        final String prefix;
        final long ackWaitMillis;
        final TreeMap<Long, Pending> pending = new TreeMap<>();
        final Map<Long, Long> deliveries = new HashMap<>();
        final LinkedHashSet<Long> again = new LinkedHashSet<>();
        final Deque<Pull> pulls = new ArrayDeque<>();
        long next = 1;
        long durableSequence = 1;
        long floor;

        Durable(String name, Stream stream, String prefix, long ackWaitMillis) {
            this.name = name;
            this.stream = stream;
            this.prefix = prefix;
            this.ackWaitMillis = ackWaitMillis;
        }
    }

    /** What happens inside, for those who check it. */
    interface Observer {
        default void stored(Stored message) {}

        default void handedOut(String durable, Stored message, long delivery) {}

        default void acknowledged(String durable, Stored message) {}
    }

    private final Timeline timeline;
    private final Observer observer;
    private final LongSupplier firingMillis;
    private final Map<String, Stream> streams = new HashMap<>();
    private final Map<String, Durable> durables = new LinkedHashMap<>();
    private boolean up = true;
    private int stops;
    private long nanos;

    /** @param firingMillis how long it takes from when a schedule is found to be due until its message is stored */
    SimulatedBroker(Timeline timeline, LongSupplier firingMillis, Observer observer) {
        this.timeline = timeline;
        this.firingMillis = firingMillis;
        this.observer = observer;
    }

    void addStream(String name, long windowMillis) {
        streams.put(name, new Stream(name, windowMillis));
    }

    /** @param filter ends with {@code .>} */
    void addDurable(String stream, String name, String filter, long ackWaitMillis) {
        durables.put(name, new Durable(name, stream(stream), prefix(filter), ackWaitMillis));
    }

    boolean isUp() {
        return up;
    }

    /** From now on nothing is answered, and nobody waits for messages any more. */
    void stop() {
        up = false;
        stops++;
        durables.values().forEach(durable -> durable.pulls.clear());
    }

    /** With everything that was stored, and nothing else: ids are known only of messages that are there. */
    void start() {
        up = true;
        for (Stream stream : streams.values()) {
            stream.ids.clear();
            for (Stored each : List.copyOf(stream.messages.values())) {
                String id = each.headers.getFirst(WireFormat.MESSAGE_ID);
                if (id != null) {
                    stream.ids.put(id, each);
                }
                if (each.headers.containsKey(SCHEDULE)) {
                    schedule(stream, each);
                }
            }
        }
        durables.values().forEach(this::expire);
    }

    /** From now on the stream refuses what is new, or no longer does. */
    void full(String stream, boolean full) {
        stream(stream).full = full;
    }

    Answer publish(String name, String subject, Headers headers, byte[] body, @Nullable Object tag) {
        Stream stream = stream(name);
        if ("0".equals(headers.getFirst(EXPECTED)) && lastOn(stream, subject) != null) {
            return new Answer.Refused(WRONG_LAST_SEQUENCE);
        }
        String id = headers.getFirst(WireFormat.MESSAGE_ID);
        Stored known = id == null ? null : known(stream, id);
        if (known != null) {
            return new Answer.Stored(known.sequence, true);
        }
        if (stream.full) {
            return new Answer.Refused(FULL);
        }
        Stored stored = store(stream, subject, headers, body, tag);
        if (id != null) {
            stream.ids.put(id, stored);
        }
        return new Answer.Stored(stored.sequence, false);
    }

    /** The message of this number, null if there is none any more. */
    @Nullable
    Stored get(String stream, long sequence) {
        return stream(stream).messages.get(sequence);
    }

    /** The first message on a subject, null if there is none. */
    @Nullable
    Stored first(String stream, String subject) {
        for (Stored each : stream(stream).messages.values()) {
            if (each.subject.equals(subject)) {
                return each;
            }
        }
        return null;
    }

    /** All messages on subjects that match. */
    List<Stored> all(String stream, String filter) {
        String prefix = prefix(filter);
        return stream(stream).messages.values().stream()
                .filter(each -> each.subject.startsWith(prefix))
                .toList();
    }

    /** False if there was none. */
    boolean delete(String stream, long sequence) {
        return stream(stream).messages.remove(sequence) != null;
    }

    /** Removes what matches and has a lower number than given. */
    int purge(String name, String filter, long below) {
        String prefix = prefix(filter);
        List<Long> gone = new ArrayList<>();
        for (Stored each : stream(name).messages.headMap(below).values()) {
            if (each.subject.startsWith(prefix)) {
                gone.add(each.sequence);
            }
        }
        gone.forEach(stream(name).messages::remove);
        for (Durable durable : durables.values()) {
            if (durable.stream.name.equals(name)) {
                gone.forEach(sequence -> forget(durable, sequence));
                if (durable.prefix.startsWith(prefix)) {
                    forgetAgain(durable);
                }
            }
        }
        return gone.size();
    }

    /** The server forgets what was given back: it is handed out again only when its time to be acknowledged is over. */
    private void forgetAgain(Durable durable) {
        List<Long> forgotten = List.copyOf(durable.again);
        durable.again.clear();
        for (long sequence : forgotten) {
            Pending pending = durable.pending.get(sequence);
            if (pending != null && timeline.now() - pending.sinceMillis >= durable.ackWaitMillis) {
                timeline.after(durable.ackWaitMillis, () -> expire(durable, sequence, pending));
            }
        }
    }

    /** Waits for that many messages. The wait ends with them, with a restart, and when its owner leaves. */
    void pull(String durable, Object owner, int messages, Consumer<Message> receiver) {
        durable(durable).pulls.add(new Pull(owner, messages, receiver));
        serve(durable(durable));
    }

    void leave(Object owner) {
        durables.values().forEach(durable -> durable.pulls.removeIf(pull -> pull.owner.equals(owner)));
    }

    /** The next message there is now, null if there is none. */
    @Nullable
    Message next(String durable) {
        return handOut(durable(durable));
    }

    /**
     * Settles. True as long as the message was handed out, for the answer does not tell whether it was settled before.
     */
    boolean ack(String reply) {
        return answering(reply, (durable, position) -> {
            Stored message = durable.stream.messages.get(position.sequence());
            if (durable.pending.containsKey(position.sequence()) && message != null) {
                observer.acknowledged(durable.name, message);
            }
            forget(durable, position.sequence());
        });
    }

    /** Gives back, for as long as given. */
    void nak(String reply, long delayMillis) {
        var _ = answering(reply, (durable, position) -> {
            Pending pending = durable.pending.get(position.sequence());
            if (pending == null) {
                return;
            }
            if (delayMillis > 0) {
                durable.again.remove(position.sequence());
                touch(durable, position.sequence(), timeline.now() - durable.ackWaitMillis + delayMillis);
            } else {
                durable.again.add(position.sequence());
                serve(durable);
            }
        });
    }

    void progress(String reply) {
        var _ = answering(reply, (durable, position) -> touch(durable, position.sequence(), timeline.now()));
    }

    /** Up to here everything is settled. */
    long floor(String durable) {
        return durable(durable).floor;
    }

    /** Whether a durable has handed out everything, and everything is settled. */
    boolean isDone(String name) {
        Durable durable = durable(name);
        return durable.pending.isEmpty() && following(durable) == null;
    }

    private boolean answering(String reply, BiConsumer<Durable, Position> what) {
        Position position = Position.of(reply);
        Durable durable = durable(reply.split("\\.", 5)[3]);
        if (position.sequence() >= durable.next) {
            return false;
        }
        what.accept(durable, position);
        return true;
    }

    private Stored store(Stream stream, String subject, Headers headers, byte[] body, @Nullable Object tag) {
        if (headers.containsKey(SCHEDULE)) {
            remove(stream, subject);
        }
        String scheduler = headers.getFirst(SCHEDULER);
        if (scheduler != null && "purge".equals(headers.getFirst(NEXT))) {
            // Whatever is there by now: the server does not look which schedule it was.
            remove(stream, scheduler);
        }
        // No two messages in the same nanosecond.
        nanos = Math.max(nanos + 1, timeline.now() * 1_000_000);
        long sequence = ++stream.last;
        Stored stored = new Stored(
                stream.name, sequence, nanos, subject, headers, new NatsMessage(subject, null, headers, body), tag);
        stream.messages.put(sequence, stored);
        observer.stored(stored);
        if (headers.containsKey(SCHEDULE)) {
            schedule(stream, stored);
        }
        for (Durable durable : durables.values()) {
            if (durable.stream.equals(stream)) {
                serve(durable);
            }
        }
        return stored;
    }

    private void remove(Stream stream, String subject) {
        Stored last = lastOn(stream, subject);
        if (last != null) {
            stream.messages.values().removeIf(each -> each.subject.equals(subject));
        }
    }

    private static @Nullable Stored lastOn(Stream stream, String subject) {
        for (Stored each : stream.messages.descendingMap().values()) {
            if (each.subject.equals(subject)) {
                return each;
            }
        }
        return null;
    }

    private @Nullable Stored known(Stream stream, String id) {
        Stored known = stream.ids.get(id);
        return known != null && timeline.now() - known.storedNanos / 1_000_000 < stream.windowMillis ? known : null;
    }

    /** As the server does it: first it collects what is due, and some time later it stores it, come what may. */
    private void schedule(Stream stream, Stored scheduled) {
        int before = stops;
        String at = String.valueOf(scheduled.headers.getFirst(SCHEDULE));
        timeline.at(Instant.parse(at.substring("@at ".length())).toEpochMilli(), () -> {
            if (stops == before && stream.messages.containsKey(scheduled.sequence)) {
                timeline.after(firingMillis.getAsLong(), () -> {
                    if (stops == before) {
                        fire(stream, scheduled);
                    }
                });
            }
        });
    }

    private void fire(Stream stream, Stored scheduled) {
        Headers headers = new Headers(scheduled.headers);
        headers.remove(headers.keySet().stream()
                .filter(name -> name.startsWith(SCHEDULE) || name.equals(WireFormat.MESSAGE_ID))
                .toList());
        headers.put(SCHEDULER, scheduled.subject);
        headers.put(NEXT, "purge");
        var _ = store(
                stream,
                String.valueOf(scheduled.headers.getFirst(TARGET)),
                headers,
                scheduled.message.getData(),
                scheduled.tag);
    }

    private void serve(Durable durable) {
        while (up && !durable.pulls.isEmpty()) {
            Message message = handOut(durable);
            if (message == null) {
                return;
            }
            Pull pull = durable.pulls.element();
            if (--pull.missing == 0) {
                durable.pulls.remove();
            }
            pull.receiver.accept(message);
        }
    }

    private @Nullable Message handOut(Durable durable) {
        Stored message = null;
        while (message == null && !durable.again.isEmpty()) {
            long sequence = durable.again.removeFirst();
            message = durable.stream.messages.get(sequence);
            if (message == null) {
                forget(durable, sequence);
            }
        }
        if (message == null) {
            message = following(durable);
            if (message == null) {
                return null;
            }
            durable.next = message.sequence + 1;
        }
        long sequence = message.sequence;
        long delivery = durable.deliveries.merge(sequence, 1L, Long::sum);
        long durableSequence = durable.durableSequence++;
        durable.pending.putIfAbsent(sequence, new Pending());
        touch(durable, sequence, timeline.now());
        observer.handedOut(durable.name, message, delivery);
        return new NatsMessage(
                message.subject,
                "$JS.ACK." + durable.stream.name + "." + durable.name + "." + delivery + "." + sequence + "."
                        + durableSequence + "." + message.storedNanos + ".0",
                message.headers,
                message.message.getData());
    }

    private static @Nullable Stored following(Durable durable) {
        for (Stored each : durable.stream.messages.tailMap(durable.next).values()) {
            if (each.subject.startsWith(durable.prefix)) {
                return each;
            }
        }
        return null;
    }

    private void touch(Durable durable, long sequence, long sinceMillis) {
        Pending pending = durable.pending.get(sequence);
        if (pending != null) {
            pending.sinceMillis = sinceMillis;
            timeline.at(sinceMillis + durable.ackWaitMillis, () -> expire(durable, sequence, pending));
        }
    }

    private void expire(Durable durable) {
        List.copyOf(durable.pending.keySet())
                .forEach(sequence -> expire(durable, sequence, durable.pending.get(sequence)));
    }

    private void expire(Durable durable, long sequence, @Nullable Pending pending) {
        if (up
                && pending != null
                && pending.equals(durable.pending.get(sequence))
                && timeline.now() - pending.sinceMillis >= durable.ackWaitMillis
                && durable.again.add(sequence)) {
            serve(durable);
        }
    }

    private static void forget(Durable durable, long sequence) {
        durable.pending.remove(sequence);
        durable.deliveries.remove(sequence);
        durable.again.remove(sequence);
        durable.floor = (durable.pending.isEmpty() ? durable.next : durable.pending.firstKey()) - 1;
    }

    private Stream stream(String name) {
        Stream stream = streams.get(name);
        if (stream == null) {
            throw new IllegalArgumentException("no stream " + name);
        }
        return stream;
    }

    private Durable durable(String name) {
        Durable durable = durables.get(name);
        if (durable == null) {
            throw new IllegalArgumentException("no durable " + name);
        }
        return durable;
    }

    private static String prefix(String filter) {
        if (!filter.endsWith(".>")) {
            throw new IllegalArgumentException("a filter ends with .>, not " + filter);
        }
        return filter.substring(0, filter.length() - 1);
    }
}
