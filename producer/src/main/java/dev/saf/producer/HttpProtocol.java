package dev.saf.producer;

import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.apache.coyote.AbstractProcessor;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.jspecify.annotations.Nullable;

/**
 * Tomcat's HTTP/1.1 with what it lacks: a deadline for a request's headers as a whole, since its own time-out begins
 * anew with every byte; a short one for answers nobody takes; and a way to take no more connections while those that
 * are there are still served.
 *
 * <p>Public because Tomcat makes an instance by name.
 */
public final class HttpProtocol extends Http11NioProtocol {

    private static final Duration SWEEP = Duration.ofMillis(500);

    /**
     * How long an answer may wait for its client to take it, on one of few threads. Answers are small: only a client
     * that has left thousands of them unread makes one wait.
     */
    private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(1);

    private Duration headerTimeout = Duration.ofSeconds(10);
    private @Nullable ScheduledFuture<?> sweep;

    void setHeaderTimeout(Duration timeout) {
        headerTimeout = timeout;
    }

    /** Takes no more connections, for good. */
    void closeForNewConnections() {
        getEndpoint().closeServerSocketGraceful();
    }

    /** Tomcat's own count is one of permits, and is off by one or two once no more are given. */
    int openConnections() {
        return getEndpoint().getConnections().size();
    }

    @Override
    public void start() throws Exception {
        super.start();
        sweep = getUtilityExecutor()
                .scheduleWithFixedDelay(
                        this::lookAfterConnections, SWEEP.toMillis(), SWEEP.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void stop() throws Exception {
        if (sweep != null) {
            sweep.cancel(false);
        }
        super.stop();
    }

    private void lookAfterConnections() {
        for (SocketWrapperBase<?> connection : getEndpoint().getConnections()) {
            connection.setWriteTimeout(ANSWER_TIMEOUT.toMillis());
            // A connection at rest has a processor if its request is waiting: for an answer, or else for the rest of
            // its headers.
            if (connection.getCurrentProcessor() instanceof AbstractProcessor processor && !processor.isAsync()) {
                long started = processor.getRequest().getStartTimeNanos();
                if (started > 0 && System.nanoTime() - started > headerTimeout.toNanos()) {
                    connection.close();
                }
            }
        }
    }
}
