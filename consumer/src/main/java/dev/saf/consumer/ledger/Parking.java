package dev.saf.consumer.ledger;

import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.Streams;
import io.nats.client.JetStreamApiException;
import io.nats.client.Message;
import io.nats.client.api.MessageInfo;
import io.nats.client.impl.Headers;
import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Events that wait on the stream {@code later} for their next attempt: scheduled messages, which the server turns into
 * due ones when their time has come, without anybody holding anything meanwhile.
 *
 * <p>A parked event is a message on {@code later.at.<channel>.<sequence>.<life>.<attempts>-<parkings>}. When due it is
 * one on {@code later.due.} and the same, where only that channel's durable {@code saf-<channel>-due} finds it. Each
 * parking has two subjects of its own. On the due one the first message is the one that counts: whoever sends the event
 * now, or cancels it, stores there a first message, or learns that it is too late. The other one must not be shared,
 * either: a schedule that fires too late for that takes everything on its subject with it, also a later parking.
 */
public final class Parking {

    /** Where parked events are. */
    public static final String AT = Streams.LATER + ".at.";

    /** Where due events are. */
    public static final String DUE = Streams.LATER + ".due.";

    /** On a due message in place of the event: it was cancelled, at the time given. */
    public static final String CANCELLED = "Saf-Cancelled";

    /** The key of an event in a channel with an order, percent-encoded as in CloudEvents. */
    public static final String KEY = "Saf-Key";

    /** Sequence of the event this one waits behind: it is not this one that failed. */
    public static final String BEHIND = "Saf-Behind";

    static final String SCHEDULE = "Nats-Schedule";
    static final String TARGET = "Nats-Schedule-Target";

    private final NatsConnection nats;
    private final StoredMessages stored;
    private final long most;
    private final AtomicLong count = new AtomicLong();

    /** @param most how many messages {@code later} may hold; beyond that nothing is parked any more */
    public Parking(NatsConnection nats, long most) {
        this.nats = nats;
        this.stored = new StoredMessages(nats);
        this.most = most;
    }

    /** Says how many messages {@code later} holds now. */
    public void counted(long messages) {
        count.set(messages);
    }

    /**
     * Returns once the event is parked. To park it again, because the first answer got lost, changes nothing.
     *
     * @param passage with the attempts made so far
     * @param headers the message's own
     * @param due when it is to be offered again; now or earlier means in a quarter of a second
     * @return its due subject
     * @throws IOException if nobody confirmed it, or there is no room
     * @throws JetStreamApiException if the server refused it
     */
    public String park(Passage passage, @Nullable Headers headers, byte[] body, Instant due)
            throws IOException, JetStreamApiException {
        return park(passage, headers, body, due, Map.of());
    }

    /**
     * The same, for an event that has its place in an order.
     *
     * @param place what is to be told about it: {@link #KEY}, {@link #BEHIND}
     */
    public String park(Passage passage, @Nullable Headers headers, byte[] body, Instant due, Map<String, String> place)
            throws IOException, JetStreamApiException {
        if (count.get() >= most) {
            throw new IOException("%d messages are on the stream %s already, and saf.streams.later.max-parked is %d"
                    .formatted(count.get(), Streams.LATER, most));
        }
        Publication parked = parked(passage, headers, due);
        place.forEach((name, value) -> parked.headers().put(name, value));
        var _ = Publishing.publish(nats, parked.subject(), parked.headers(), body, parked.options());
        count.incrementAndGet();
        return parked.messageId();
    }

    /** The message by which an event is parked. Its id is its due subject. */
    public static Publication parked(Passage passage, @Nullable Headers headers, Instant time) {
        Passage parked = passage.parkedOnceMore();
        String due = due(parked);
        Headers all = parked.headers(headers);
        all.put(SCHEDULE, "@at " + time.truncatedTo(ChronoUnit.MILLIS));
        all.put(TARGET, due);
        return new Publication(Streams.LATER, at(due), all, due);
    }

    /** Whether a due message says that the event is not wanted any more. */
    public static boolean isCancelled(Message due) {
        return due.hasHeaders() && due.getHeaders().containsKey(CANCELLED);
    }

    /** Where an event is parked until it comes to this due subject. */
    public static String at(String due) {
        return AT + due.substring(DUE.length());
    }

    private static String due(Passage passage) {
        return due(passage.channel(), passage.sequence(), passage.life(), passage.attempts(), passage.parkings());
    }

    /**
     * Where a parked event comes when it is due.
     *
     * @param life as {@link Passage#life} says
     */
    public static String due(String channel, long sequence, String life, long attempts, long parkings) {
        return "%s%s.%d.%s.%d-%d".formatted(DUE, channel, sequence, life, attempts, parkings);
    }

    /**
     * Whether a due message is the one that counts among those on its subject. Asks the leader: the client's own ways
     * ask any replica, which may not know the first one yet.
     *
     * @param sequence the message's own, in {@code later}
     * @throws IOException if nobody can say
     */
    public boolean isFirst(Message due, long sequence) throws IOException {
        MessageInfo first = stored.next(Streams.LATER, 1, due.getSubject());
        if (first == null) {
            // A new leader may not have caught up with the durable that handed it out.
            throw new IOException("the leader of " + Streams.LATER + " does not know " + due.getSubject() + " yet");
        }
        return first.getSeq() == sequence;
    }
}
