package dev.saf.consumer.delivery;

import dev.saf.consumer.ledger.Passage;
import dev.saf.event.WireFormat;
import dev.saf.jetstream.Streams;
import io.nats.client.Message;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One of the durables a channel gets its events from, and what is out from there. */
final class Source {

    /** What a durable hands out. */
    enum Kind {
        /** Events as they were published. */
        EVENTS(Streams.EVENTS),
        /** Events that were parked or dead, and are due now. */
        DUE(Streams.LATER),
        /** Events that were settled before, once more. */
        REPLAY(Streams.EVENTS),
        /** Events as they are published, from core NATS: whether or not they come to be on this stream. */
        CORE(Streams.EVENTS);

        final String stream;

        Kind(String stream) {
            this.stream = stream;
        }
    }

    final Kind kind;
    final String channel;

    /** Null for other kinds. */
    private final @Nullable Replay replay;

    private final BooleanSupplier mayAsk;

    /** Null for as many as the channel takes. */
    private final @Nullable Pace pace;

    private volatile boolean metEnd;
    private volatile boolean resumed;
    private volatile boolean left;
    private volatile boolean forgotten;

    /** By sequence in the durable's stream; also what still waits for its confirmation. */
    final ConcurrentMap<Long, Delivery> open = new ConcurrentHashMap<>();

    /** When the last message came, as {@link System#nanoTime()}. */
    volatile long lastArrivalNanos = System.nanoTime();

    /** Whether what waits on the stream is about to be dropped there, and is to come though it cannot be delivered. */
    volatile boolean expiring;

    private volatile Consumer<Delivery> whenSettled = _ -> {};

    final DeliveredEvents delivered = new DeliveredEvents();
    final GivenBack givenBack = new GivenBack();
    final Acks acks = new Acks(this::confirmed);

    private Source(Kind kind, String channel, @Nullable Replay replay, BooleanSupplier mayAsk) {
        this.kind = kind;
        this.channel = channel;
        this.replay = replay;
        this.mayAsk = mayAsk;
        Double rate = replay == null ? null : replay.rate();
        // What gathers within a fifth of a second may come at once: nobody looks all the time.
        this.pace = rate == null ? null : new Pace(rate, 1 + rate / 5, System.nanoTime());
    }

    private Source(Kind kind, String channel) {
        this(kind, channel, null, () -> true);
    }

    static Source events(String channel) {
        return new Source(Kind.EVENTS, channel);
    }

    static Source due(String channel) {
        return new Source(Kind.DUE, channel);
    }

    /** @param mayAsk whether this process may ask for more now */
    static Source replay(String channel, Replay replay, BooleanSupplier mayAsk) {
        return new Source(Kind.REPLAY, channel, replay, mayAsk);
    }

    static Source core(String channel) {
        return new Source(Kind.CORE, channel);
    }

    /** The durable's name; for core NATS the queue group's. */
    String durable() {
        return switch (kind) {
            case EVENTS, CORE -> "saf-" + channel;
            case DUE -> "saf-" + channel + "-due";
            case REPLAY -> durable(channel, replayId());
        };
    }

    /** The name of a replay's durable. */
    static String durable(String channel, String replay) {
        return "saf-" + channel + "-replay-" + replay;
    }

    /** Empty for other kinds. */
    String replayId() {
        return replay == null ? "" : replay.id();
    }

    /** For people: the channel, and which of its durables if it is not the first. */
    String name() {
        return switch (kind) {
            case EVENTS, CORE -> channel;
            case DUE -> channel + " (retries)";
            case REPLAY -> channel + " (replay " + replayId() + ")";
        };
    }

    /**
     * How far the event in a message has come.
     *
     * @throws IllegalArgumentException if the message is due, and does not carry what it must
     */
    Passage passage(Message message, Position position) {
        if (kind == Kind.DUE) {
            return Passage.read(message.getHeaders());
        }
        Passage passage = Passage.begin(channel, message, position.sequence(), position.storedNanos());
        return replay == null ? passage : passage.replayed(replay.id());
    }

    /** The subject under which the event of a message was published, as far as that is known. */
    static String natsSubject(Message message) {
        if (message.getSubject().startsWith(WireFormat.SUBJECT_PREFIX) || message.getHeaders() == null) {
            return message.getSubject();
        }
        String subject = message.getHeaders().getFirst(Passage.SUBJECT);
        return subject == null ? message.getSubject() : subject;
    }

    /** How many more events may come now, whatever room there is for them. */
    int allowance() {
        if (!mayAsk.getAsBoolean() || (metEnd && !resumed)) {
            return 0;
        }
        return pace == null ? Integer.MAX_VALUE : pace.room(System.nanoTime());
    }

    /** A message has come. */
    void arrived(long nowNanos) {
        lastArrivalNanos = nowNanos;
        if (pace != null) {
            pace.spend();
        }
    }

    /** Whether a message does not belong here any more. */
    boolean isBeyondEnd(Position position) {
        if (replay == null || position.sequence() <= replay.until()) {
            return false;
        }
        resumed = false;
        metEnd = true;
        return true;
    }

    boolean hasMetEnd() {
        return metEnd;
    }

    void resume() {
        resumed = true;
    }

    /** No more events come. */
    void leave() {
        left = true;
    }

    /** Whether no more events come, and all that came are settled or given back. */
    boolean isOver() {
        return left && open.isEmpty();
    }

    /** The durable is gone, and with it everybody who would confirm anything. */
    void forget() {
        forgotten = true;
        open.values().removeIf(Delivery::isSettling);
    }

    boolean isForgotten() {
        return forgotten;
    }

    /** Who is told when an event is settled and the server knows. Told on any thread, and must not block. */
    void whenSettled(Consumer<Delivery> told) {
        whenSettled = told;
    }

    private void confirmed(long sequence) {
        Delivery delivery = open.get(sequence);
        if (delivery != null && delivery.isSettling()) {
            settled(delivery);
        }
    }

    /** Nothing more is to be done about it. */
    void settled(Delivery delivery) {
        if (open.remove(delivery.position.sequence(), delivery)) {
            whenSettled.accept(delivery);
        }
    }
}
