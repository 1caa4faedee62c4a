package dev.saf.consumer.ledger;

import dev.saf.event.Rules;
import dev.saf.event.WireFormat;
import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.Streams;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamManagement;
import io.nats.client.JetStreamOptions;
import io.nats.client.api.MessageInfo;
import io.nats.client.impl.Headers;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps events that no channel took on the stream {@code dead-letters}, as
 * {@code dead-letters.<channel>.<sequence>.<subject>}, with all that is needed to understand them and to send them
 * again: the original body and headers, and beside them those of {@link Passage}.
 */
public final class DeadLetters {

    /** A {@link Reason}'s tag. */
    public static final String REASON = "Saf-Reason";

    private static final Logger log = LoggerFactory.getLogger(DeadLetters.class);
    private static final JetStreamOptions OPTIONS =
            JetStreamOptions.builder().requestTimeout(Duration.ofSeconds(2)).build();
    private static final Pattern SENT = Pattern.compile("r(\\d{1,18})-[0-9a-z]+");

    private final NatsConnection nats;
    private final StoredMessages messages;
    private final StreamReader reader;

    public DeadLetters(NatsConnection nats) {
        this.nats = nats;
        this.messages = new StoredMessages(nats);
        this.reader = new StreamReader(nats);
    }

    /**
     * Returns once the dead letter is stored; storing it again does nothing.
     *
     * @param headers the message's own
     * @param error what happened last, as a sentence
     * @throws IOException if nobody confirmed storing it
     * @throws JetStreamApiException if the server refused to store it
     */
    public void store(Passage passage, @Nullable Headers headers, byte[] body, Reason reason, String error, Instant now)
            throws IOException, JetStreamApiException {
        Publication letter = letter(passage, headers, reason, error, now);
        var _ = Publishing.publish(nats, letter.subject(), letter.headers(), body, letter.options());
    }

    /** The message that a dead letter is. */
    public static Publication letter(
            Passage passage, @Nullable Headers headers, Reason reason, String error, Instant now) {
        Headers all = passage.headers(headers);
        all.put(REASON, reason.tag());
        all.put(Passage.ERROR, Passage.printable(error));
        all.put(Passage.LAST_FAILURE, now.toString());
        if (passage.firstFailure() == null) {
            all.put(Passage.FIRST_FAILURE, now.toString());
        }
        return new Publication(
                Streams.DEAD_LETTERS,
                subject(passage),
                all,
                "%s/%d/%s/%s".formatted(Streams.EVENTS, passage.sequence(), passage.channel(), passage.life()));
    }

    /**
     * One of them, null if it is not there.
     *
     * @throws IOException if nobody can say
     */
    public @Nullable DeadLetter find(long sequence) throws IOException {
        MessageInfo found = sequence < 1 ? null : messages.get(Streams.DEAD_LETTERS, sequence);
        return found == null ? null : DeadLetter.of(found);
    }

    /** Whether any of them has such a subject, see {@link DeadLetter#subjects}. */
    public boolean any(String subjects) throws IOException {
        return messages.next(Streams.DEAD_LETTERS, 1, subjects) != null;
    }

    /**
     * Reads them without their bodies, oldest first. Misses none that was stored before, on no replica.
     *
     * @param subjects see {@link DeadLetter#subjects}
     * @param from the first sequence
     * @param since none that was stored before; null for no matter when. If given, the first sequence does not count
     * @param most the most to read
     * @param each gets one, and says whether it wants more
     * @throws IOException if they cannot be read, or not to the end
     */
    public StreamReader.Stop read(
            String subjects, long from, @Nullable Instant since, long most, Predicate<DeadLetter> each)
            throws IOException {
        StreamReader.Range range = StreamReader.Range.of(Streams.DEAD_LETTERS, List.of(subjects))
                .onlyHeaders()
                .atMost(most);
        StreamReader.Stop stop = reader.read(
                since == null ? range.fromSequence(from) : range.fromTime(since),
                message -> each.test(DeadLetter.of(message)));
        // A replica may not know the last ones; the leader does.
        while (stop.complete()) {
            MessageInfo more = messages.next(Streams.DEAD_LETTERS, stop.next(), subjects);
            if (more == null) {
                return stop;
            }
            boolean enough = !each.test(DeadLetter.of(more));
            stop = new StreamReader.Stop(more.getSeq() + 1, !enough);
        }
        return stop;
    }

    /**
     * The sequence of the last one there ever was, 0 if there was none.
     *
     * @throws IOException if nobody can say
     * @throws JetStreamApiException if there is no such stream
     */
    public long last() throws IOException, JetStreamApiException {
        return management().getStreamInfo(Streams.DEAD_LETTERS).getStreamState().getLastSequence();
    }

    /**
     * Whether they can be deleted, which the stream's {@code deny-delete} may forbid for good.
     *
     * @throws IOException if nobody can say
     * @throws JetStreamApiException if there is no such stream
     */
    public boolean canBeDeleted() throws IOException, JetStreamApiException {
        return !management()
                .getStreamInfo(Streams.DEAD_LETTERS)
                .getConfiguration()
                .getDenyDelete();
    }

    /**
     * Deletes one, and returns whether it was there.
     *
     * @throws IOException if nobody confirmed it
     * @throws JetStreamApiException if the server refused it
     */
    public boolean delete(long sequence) throws IOException, JetStreamApiException {
        try {
            // Not overwritten: of a last message that was, a restarted server takes all ids for unknown.
            return management().deleteMessage(Streams.DEAD_LETTERS, sequence, false);
        } catch (JetStreamApiException e) {
            // The server has one code for whatever the reason is.
            if (messages.get(Streams.DEAD_LETTERS, sequence) == null) {
                return false;
            }
            throw e;
        }
    }

    /**
     * Deletes the dead letter whose event is about to be delivered by a {@link Redrive}, if a crash has left it there:
     * once the due message is gone, nothing would tell that it was sent already. Does nothing for other due messages.
     *
     * @param due the due message's subject
     * @throws IOException if nobody answers
     */
    public void deleteSent(String due) throws IOException {
        String token = due.substring(due.lastIndexOf('.') + 1);
        Matcher sent = SENT.matcher(token);
        if (!sent.matches()) {
            return;
        }
        DeadLetter letter = find(Long.parseLong(sent.group(1)));
        if (letter == null || !letter.token().equals(token)) {
            return;
        }
        try {
            var _ = delete(letter.sequence());
        } catch (JetStreamApiException e) {
            log.warn("dead letter {} is sent again, but cannot be deleted: {}", letter.sequence(), e.getMessage());
        }
    }

    private JetStreamManagement management() throws IOException {
        return Publishing.connection(nats).jetStreamManagement(OPTIONS);
    }

    /** A foreign publisher's subject may be one that cannot be published to; the header has it as it was. */
    private static String subject(Passage passage) {
        String subject = passage.subject().startsWith(WireFormat.SUBJECT_PREFIX)
                ? passage.subject().substring(WireFormat.SUBJECT_PREFIX.length())
                : passage.subject();
        return "%s.%s.%d.%s"
                .formatted(
                        Streams.DEAD_LETTERS,
                        passage.channel(),
                        passage.sequence(),
                        Rules.subject(subject) == null ? subject : "_");
    }
}
