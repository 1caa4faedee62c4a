package dev.saf.consumer.ledger;

import dev.saf.jetstream.NatsConnection;
import io.nats.client.Message;
import io.nats.client.api.MessageGetRequest;
import io.nats.client.api.MessageInfo;
import java.io.IOException;
import java.time.Duration;
import java.time.ZonedDateTime;
import org.jspecify.annotations.Nullable;

/**
 * Looks up single messages. Asks the leader, which knows all that are stored: the client's own ways may ask any
 * replica, and one that is behind says that there is nothing where there is something.
 */
public final class StoredMessages {

    private static final Duration TIMEOUT = Duration.ofSeconds(2);
    private static final int NO_MESSAGE_FOUND = 10037;

    private final NatsConnection nats;

    public StoredMessages(NatsConnection nats) {
        this.nats = nats;
    }

    /**
     * One message, null if the stream does not have it.
     *
     * @throws IOException if nobody can say
     */
    public @Nullable MessageInfo get(String stream, long sequence) throws IOException {
        return find(stream, MessageGetRequest.forSequence(sequence));
    }

    /**
     * The first message at a sequence or after it whose subject matches, null if there is none.
     *
     * @param subject may have wildcards
     * @throws IOException if nobody can say
     */
    public @Nullable MessageInfo next(String stream, long from, String subject) throws IOException {
        return find(stream, MessageGetRequest.nextForSubject(from, subject));
    }

    /**
     * The first message that was stored at a time or after it, null if there is none.
     *
     * @throws IOException if nobody can say
     */
    public @Nullable MessageInfo since(String stream, ZonedDateTime time) throws IOException {
        return find(stream, MessageGetRequest.firstForStartTime(time));
    }

    private @Nullable MessageInfo find(String stream, MessageGetRequest request) throws IOException {
        Message answer;
        try {
            answer = Publishing.connection(nats)
                    .request("$JS.API.STREAM.MSG.GET." + stream, request.serialize(), TIMEOUT);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while looking something up in stream " + stream, e);
        } catch (IllegalStateException e) {
            throw new IOException("not connected to NATS", e);
        }
        if (answer == null || answer.isStatusMessage()) {
            throw new IOException("nobody could look something up in stream " + stream);
        }
        MessageInfo found = new MessageInfo(answer, stream, false);
        if (!found.hasError()) {
            return found;
        }
        if (found.getApiErrorCode() == NO_MESSAGE_FOUND) {
            return null;
        }
        throw new IOException("stream %s: %s".formatted(stream, found.getError()));
    }
}
