package dev.saf.consumer.delivery;

import org.jspecify.annotations.Nullable;

/** A replay at work in this process. */
public final class RunningReplay {

    private final Source source;
    private final Subscription subscription;
    private final Deliveries deliveries;

    RunningReplay(Subscription subscription, Deliveries deliveries) {
        this.source = subscription.source();
        this.subscription = subscription;
        this.deliveries = deliveries;
    }

    void start() {
        deliveries.attach(source);
        subscription.start();
    }

    /** Why no more events come, as a sentence; null if they do, or will without anybody's help. */
    public @Nullable String problem() {
        Supply.Condition condition = subscription.condition();
        return condition.state() == Supply.State.STOPPED ? condition.problem() : null;
    }

    /** Whether an event beyond the end has come. From then on nothing is asked for until {@link #resume}. */
    public boolean hasMetEnd() {
        return source.hasMetEnd();
    }

    /** Asks for what was handed out before and is not settled, until an event beyond the end comes again. */
    public void resume() {
        source.resume();
    }

    void look() {
        subscription.look();
    }

    void stop() {
        subscription.stop();
        subscription.awaitStop();
        deliveries.leave(source);
    }

    /** The replay's durable is gone: nobody is told any more what is settled. */
    public void forget() {
        source.forget();
    }
}
