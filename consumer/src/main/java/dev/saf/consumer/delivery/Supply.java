package dev.saf.consumer.delivery;

import io.nats.client.api.ConsumerInfo;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Something that brings a channel its events, from one source. */
sealed interface Supply permits Subscription, CoreSubscription {

    Source source();

    Subscription.Condition condition();

    /** How the durable was at the last look, null before the first, or if there is none. */
    @Nullable
    ConsumerInfo info();

    /**
     * Asks how the durable is now; null if there is none.
     *
     * @throws IOException if nobody answers
     */
    @Nullable
    ConsumerInfo ask() throws IOException;

    void start();

    /** Asks for no more from now on. */
    void stop();

    /** Waits until nothing comes any more; what has come stays with the deliveries. */
    void awaitStop();

    /** Looks how things are. Blocks for as long as the server takes to answer. */
    void look();
}
