package dev.saf.consumer.delivery;

import dev.saf.consumer.ledger.Passage;
import dev.saf.event.WireFormat;
import dev.saf.jetstream.Streams;
import io.nats.client.Message;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
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

    /** Of the replay, null for other kinds. */
    final @Nullable String replay;

    /** By sequence in the durable's stream; also what still waits for its confirmation. */
    final ConcurrentMap<Long, Delivery> open = new ConcurrentHashMap<>();

    /** When the last message came, as {@link System#nanoTime()}. */
    volatile long lastArrivalNanos = System.nanoTime();

    /** Whether what waits on the stream is about to be dropped there, and is to come though it cannot be delivered. */
    volatile boolean expiring;

    final DeliveredEvents delivered = new DeliveredEvents();
    final GivenBack givenBack = new GivenBack();
    final Acks acks = new Acks(this::confirmed);

    private Source(Kind kind, String channel, @Nullable String replay) {
        this.kind = kind;
        this.channel = channel;
        this.replay = replay;
    }

    static Source events(String channel) {
        return new Source(Kind.EVENTS, channel, null);
    }

    static Source due(String channel) {
        return new Source(Kind.DUE, channel, null);
    }

    static Source replay(String channel, String id) {
        return new Source(Kind.REPLAY, channel, id);
    }

    static Source core(String channel) {
        return new Source(Kind.CORE, channel, null);
    }

    /** The durable's name; for core NATS the queue group's. */
    String durable() {
        return switch (kind) {
            case EVENTS, CORE -> "saf-" + channel;
            case DUE -> "saf-" + channel + "-due";
            case REPLAY -> "saf-" + channel + "-replay-" + replay;
        };
    }

    /** For people: the channel, and which of its durables if it is not the first. */
    String name() {
        return switch (kind) {
            case EVENTS, CORE -> channel;
            case DUE -> channel + " (retries)";
            case REPLAY -> channel + " (replay " + replay + ")";
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
        return replay == null ? passage : passage.replayed(replay);
    }

    /** The subject under which the event of a message was published, as far as that is known. */
    static String natsSubject(Message message) {
        if (message.getSubject().startsWith(WireFormat.SUBJECT_PREFIX) || message.getHeaders() == null) {
            return message.getSubject();
        }
        String subject = message.getHeaders().getFirst(Passage.SUBJECT);
        return subject == null ? message.getSubject() : subject;
    }

    private void confirmed(long sequence) {
        Delivery delivery = open.get(sequence);
        if (delivery != null && delivery.isSettling()) {
            open.remove(sequence, delivery);
        }
    }
}
