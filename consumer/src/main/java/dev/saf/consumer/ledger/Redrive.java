package dev.saf.consumer.ledger;

import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.Streams;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamOptions;
import io.nats.client.PublishOptions;
import io.nats.client.api.StreamInfoOptions;
import java.io.IOException;
import java.time.Duration;

/**
 * Sends the events of dead letters to their own channels again: first the event becomes due, as the first message on a
 * subject that belongs to this dead letter alone, then the dead letter is deleted. So it is sent once, however many try
 * it, and lost by no crash between the two; {@link DeadLetters#deleteSent} makes up for the second step.
 */
public final class Redrive {

    /** What became of sending one. */
    public enum Sent {
        /** It is due by this. */
        NOW,
        /** It was due already. */
        BEFORE,
        /** Somebody else is about to send it, and has not been told yet whether it worked. */
        AT_THE_SAME_TIME
    }

    private static final JetStreamOptions OPTIONS =
            JetStreamOptions.builder().requestTimeout(Duration.ofSeconds(2)).build();
    private static final int WRONG_LAST_SEQUENCE = 10071;

    /** On replicas: another message on this subject is on its way. */
    private static final int SEQUENCE_UNDER_WAY = 10164;

    private final NatsConnection nats;

    public Redrive(NatsConnection nats) {
        this.nats = nats;
    }

    /**
     * Sends the event of a dead letter to its channel, the first step. If it is due then, the dead letter is to be
     * deleted.
     *
     * @param letter with its body
     * @throws IOException if it is not known whether it worked; to try again does no harm
     * @throws JetStreamApiException if the server refused it
     * @throws IllegalArgumentException if the letter does not say where to, or is too large with what it carries
     */
    public Sent send(DeadLetter letter) throws IOException, JetStreamApiException {
        try {
            var _ = Publishing.publish(
                    nats,
                    letter.due(),
                    letter.passage().redriven().headers(letter.headers()),
                    letter.body(),
                    PublishOptions.builder()
                            .expectedStream(Streams.LATER)
                            .expectedLastSubjectSequence(0)
                            .build());
            return Sent.NOW;
        } catch (JetStreamApiException e) {
            return switch (e.getApiErrorCode()) {
                case WRONG_LAST_SEQUENCE -> Sent.BEFORE;
                case SEQUENCE_UNDER_WAY -> Sent.AT_THE_SAME_TIME;
                default -> throw e;
            };
        }
    }

    /**
     * Whether the event of a dead letter that is gone was sent again, as far as that is still known: its due message is
     * kept until a while after its delivery.
     *
     * @throws IOException if nobody can say
     * @throws JetStreamApiException if there is no such stream
     */
    public boolean wasSent(long sequence) throws IOException, JetStreamApiException {
        Connection connection = Publishing.connection(nats);
        String prefix = DeadLetter.tokenPrefix(sequence);
        return connection
                .jetStreamManagement(OPTIONS)
                .getStreamInfo(Streams.LATER, StreamInfoOptions.filterSubjects(Parking.DUE + ">"))
                .getStreamState()
                .getSubjects()
                .stream()
                .map(subject -> subject.getName())
                .anyMatch(name -> name.startsWith(prefix, name.lastIndexOf('.') + 1));
    }
}
