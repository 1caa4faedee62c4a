package dev.saf.consumer.delivery;

import io.nats.client.api.ConsumerInfo;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Something that brings a channel its events, from one source. */
sealed interface Supply permits Subscription, CoreSubscription {

    /** How it is. */
    enum State {
        /** Not yet, or not now, for reasons that pass by themselves. */
        WAITING,
        RUNNING,
        /** Only somebody else can help. */
        STOPPED
    }

    /**
     * What is known about it.
     *
     * @param problem a sentence, null while running
     */
    record Condition(State state, @Nullable String problem) {}

    Source source();

    SupplyLoop loop();

    default Condition condition() {
        return loop().condition();
    }

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

    default void start() {
        loop().start();
    }

    /** Asks for no more from now on. */
    default void stop() {
        loop().stop();
    }

    /** Waits until nothing comes any more; what has come stays with the deliveries. */
    default void awaitStop() {
        loop().awaitStop();
    }

    /** Looks how things are. Blocks for as long as the server takes to answer. */
    void look();
}
