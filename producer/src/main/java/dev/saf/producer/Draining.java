package dev.saf.producer;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.ReadinessState;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.context.SmartLifecycle;

/**
 * The first part of a shutdown, before the web server stops: readiness goes, no new connections are taken, and every
 * answer asks its client to close the connection, so that nobody sends a request into a connection that is about to be
 * closed.
 */
final class Draining implements SmartLifecycle {

    /** How long connections that stay silent are waited for. */
    private static final long LONGEST = TimeUnit.SECONDS.toNanos(3);

    private static final long STEP = TimeUnit.MILLISECONDS.toNanos(20);

    private final ApplicationEventPublisher events;
    private final Supplier<@Nullable HttpProtocol> protocol;
    private volatile boolean running;
    private volatile boolean draining;

    Draining(ApplicationEventPublisher events, Supplier<@Nullable HttpProtocol> protocol) {
        this.events = events;
        this.protocol = protocol;
    }

    boolean isDraining() {
        return draining;
    }

    @Override
    public void start() {
        running = true;
        draining = false;
    }

    /**
     * Returns when all connections are closed, or those left have been idle for so long that they are not worth waiting
     * for.
     */
    @Override
    public void stop() {
        draining = true;
        AvailabilityChangeEvent.publish(events, this, ReadinessState.REFUSING_TRAFFIC);
        HttpProtocol http = protocol.get();
        if (http != null) {
            http.closeForNewConnections();
            long ends = System.nanoTime() + LONGEST;
            while (http.openConnections() > 0 && System.nanoTime() - ends < 0) {
                LockSupport.parkNanos(STEP);
            }
        }
        running = false;
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /** Before the web server's own graceful shutdown. */
    @Override
    public int getPhase() {
        return DEFAULT_PHASE;
    }
}
