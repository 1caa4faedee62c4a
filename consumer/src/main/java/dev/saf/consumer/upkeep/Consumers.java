package dev.saf.consumer.upkeep;

import dev.saf.consumer.ledger.StoredMessages;
import io.nats.client.JetStreamApiException;
import io.nats.client.api.AckPolicy;
import io.nats.client.api.ConsumerInfo;
import io.nats.client.api.MessageInfo;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How far all who consume a stream have come, whether or not they are known here. */
final class Consumers {

    private final Access access;
    private final StoredMessages messages;

    Consumers(Access access, StoredMessages messages) {
        this.access = access;
        this.messages = messages;
    }

    /**
     * What nobody needs any more.
     *
     * @param sequence up to which every message is settled for everybody
     * @param holder why it is not more, as a sentence
     */
    record Floor(long sequence, String holder) {}

    /**
     * Up to where everybody has settled everything.
     *
     * @param last a sequence that the stream had reached before this was called
     * @param needed names of durables without which nothing counts as settled
     * @throws IOException if not everybody's place is known
     */
    Floor settled(String stream, long last, List<String> needed) throws IOException, JetStreamApiException {
        // By name, one by one: a list of how they are leaves out those whose server does not answer.
        List<String> names = access.management().getConsumerNames(stream);
        for (String durable : needed) {
            if (!names.contains(durable)) {
                return new Floor(0, "there is no durable consumer " + durable);
            }
        }
        Floor floor = new Floor(last, "everything is settled");
        boolean durable = false;
        for (String name : names) {
            ConsumerInfo consumer = access.consumer(stream, name);
            if (consumer == null || !counts(consumer)) {
                continue;
            }
            durable |= isDurable(consumer);
            long settled = settled(consumer, last);
            if (settled < floor.sequence) {
                floor = new Floor(
                        settled, "consumer %s has settled all up to sequence %d only".formatted(name, settled));
            }
        }
        return durable ? floor : new Floor(0, "there is no durable consumer");
    }

    /** Somebody who only reads comes and goes, and acknowledges nothing. */
    private static boolean counts(ConsumerInfo consumer) {
        return isDurable(consumer) || consumer.getConsumerConfiguration().getAckPolicy() != AckPolicy.None;
    }

    private static boolean isDurable(ConsumerInfo consumer) {
        return consumer.getConsumerConfiguration().getDurable() != null;
    }

    /**
     * The server's own mark stays far behind when nothing matches a consumer's filters. But if nothing is out, all is
     * settled before what it gets next.
     */
    private long settled(ConsumerInfo consumer, long last) throws IOException {
        if (consumer.getNumAckPending() > 0) {
            return consumer.getAckFloor().getStreamSequence();
        }
        long settled = last;
        for (String filter : Access.filters(consumer)) {
            MessageInfo next = next(consumer, filter);
            if (next != null) {
                settled = Math.min(settled, next.getSeq() - 1);
            }
        }
        return settled;
    }

    private @Nullable MessageInfo next(ConsumerInfo consumer, String filter) throws IOException {
        return messages.next(consumer.getStreamName(), consumer.getDelivered().getStreamSequence() + 1, filter);
    }
}
