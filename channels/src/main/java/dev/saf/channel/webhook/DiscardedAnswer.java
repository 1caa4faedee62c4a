package dev.saf.channel.webhook;

import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.TimeUnit;

/**
 * Reads an answer's body away so that the connection can serve again, but only so many bytes and only so long: then the
 * connection is given up. Ends with whether the body was read to its end, which is nobody's business: the status
 * stands.
 */
final class DiscardedAnswer implements BodySubscriber<Boolean> {

    private final CompletableFuture<Boolean> done = new CompletableFuture<>();
    private long remaining;

    DiscardedAnswer(long maxBytes, Duration maxTime) {
        this.remaining = maxBytes;
        done.completeOnTimeout(false, maxTime.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public CompletionStage<Boolean> getBody() {
        return done;
    }

    @Override
    public void onSubscribe(Subscription subscription) {
        // Cancelling what is complete does nothing.
        var _ = done.whenComplete((_, _) -> subscription.cancel());
        subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
        for (ByteBuffer buffer : buffers) {
            remaining -= buffer.remaining();
        }
        if (remaining < 0) {
            done.complete(false);
        }
    }

    @Override
    public void onError(Throwable failure) {
        done.complete(false);
    }

    @Override
    public void onComplete() {
        done.complete(true);
    }
}
