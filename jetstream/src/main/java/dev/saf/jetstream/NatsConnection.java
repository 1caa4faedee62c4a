package dev.saf.jetstream;

import io.nats.client.Connection;
import io.nats.client.ConnectionListener.Events;
import io.nats.client.Nats;
import io.nats.client.impl.NatsStatistics;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.ssl.SslBundles;

/**
 * The one connection to NATS: comes up by itself, comes back by itself, and says how it is. The client reconnects on
 * its own, but closes itself for good once the same server has refused the login twice; then a new client takes its
 * place.
 */
public final class NatsConnection implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(NatsConnection.class);
    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(250);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);

    private final NatsSettings settings;
    private final @Nullable SslBundles bundles;
    private final ConnectionWatch watch = new ConnectionWatch(this::changed);
    private final NatsStatistics statistics = new NatsStatistics();
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private final Semaphore changes = new Semaphore(0);
    private final CountDownLatch firstAttempt = new CountDownLatch(1);
    private final AtomicLong epoch = new AtomicLong();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition ended = lock.newCondition();

    /** The client in use, connected or not. */
    private @Nullable Connection client;

    private boolean closed;
    private @Nullable Thread supervisor;
    private @Nullable Thread notifier;
    private volatile @Nullable Connection current;

    /**
     * Prepares a connection without making it.
     *
     * @param bundles where {@code saf.nats.ssl-bundle} is looked up, null if there are none
     */
    public NatsConnection(NatsSettings settings, @Nullable SslBundles bundles) {
        this.settings = settings;
        this.bundles = bundles;
    }

    /** The connection if it is up now, else null. One volatile read. */
    public @Nullable Connection current() {
        return current;
    }

    /**
     * A number that grows whenever pulls and subscriptions made before are void, or have been made anew by the client:
     * after each interruption.
     */
    public long epoch() {
        return epoch.get();
    }

    /**
     * Registers somebody to be called after each change of the epoch and each loss of the connection, on a thread for
     * all listeners, so it must not take long. Several changes in a row may come as one call. There is no call for what
     * happened before.
     */
    public void onChange(Runnable listener) {
        listeners.add(listener);
    }

    /** Begins to connect, and returns at once: the server may come up last. */
    public void start() {
        lock.lock();
        try {
            if (closed || supervisor != null) {
                return;
            }
            supervisor = Thread.ofPlatform().daemon().name("nats-supervisor").start(this::supervise);
            notifier = Thread.ofVirtual().name("nats-changes").start(this::tellListeners);
        } finally {
            lock.unlock();
        }
    }

    /** Closes the connection for good. What has been written is sent first, if the server takes it within a second. */
    @Override
    public void close() {
        Connection last;
        lock.lock();
        try {
            closed = true;
            last = client;
            client = null;
            current = null;
            ended.signalAll();
            if (supervisor != null) {
                supervisor.interrupt();
            }
            if (notifier != null) {
                notifier.interrupt();
            }
        } finally {
            lock.unlock();
        }
        if (last != null) {
            closeQuietly(last);
        }
    }

    /** Why there is no connection, as a sentence; null if there is one. */
    @Nullable
    String problem() {
        if (current != null) {
            return null;
        }
        String error = watch.lastError();
        return "not connected to NATS at " + String.join(", ", settings.servers())
                + (error == null ? "" : ": " + error);
    }

    NatsSettings settings() {
        return settings;
    }

    ConnectionWatch watch() {
        return watch;
    }

    NatsStatistics statistics() {
        return statistics;
    }

    /** Waits until the first attempt to connect has succeeded or failed, or the time is up. */
    void awaitFirstAttempt(Duration atMost) throws InterruptedException {
        var _ = firstAttempt.await(atMost.toNanos(), TimeUnit.NANOSECONDS);
    }

    private void supervise() {
        Duration pause = SHORTEST_PAUSE;
        try {
            while (true) {
                Connection made = connect();
                if (made != null) {
                    adopt(made);
                    pause = SHORTEST_PAUSE;
                }
                firstAttempt.countDown();
                if (!awaitTurn(made, pause)) {
                    return;
                }
                pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private @Nullable Connection connect() throws InterruptedException {
        try {
            return Nats.connect(ConnectionOptions.of(settings, bundles, watch, statistics));
        } catch (IOException e) {
            // The client tells the watch why, at about this time; this is just that it could not.
            watch.failed(e);
        } catch (RuntimeException e) {
            watch.exceptionOccurred(e);
        }
        return null;
    }

    private void adopt(Connection made) {
        boolean late;
        lock.lock();
        try {
            late = closed;
            if (!late) {
                client = made;
                if (made.getStatus() == Connection.Status.CONNECTED) {
                    isUp(made);
                }
            }
        } finally {
            lock.unlock();
        }
        if (late) {
            closeQuietly(made);
        }
    }

    /** Waits until a client is at its end, and then, or if there is none, for a while. False if all is over. */
    private boolean awaitTurn(@Nullable Connection made, Duration pause) throws InterruptedException {
        lock.lock();
        try {
            while (!closed && made != null && made.getStatus() != Connection.Status.CLOSED) {
                // Looks by itself, too, so that a lost event delays but does not prevent.
                var _ = ended.await(1, TimeUnit.SECONDS);
            }
            if (made != null && !closed) {
                log.warn("NATS: the client has given up, a new one takes its place");
                client = null;
                isDown();
            }
            long nanos = pause.toNanos() / 2 + ThreadLocalRandom.current().nextLong(pause.toNanos() / 2);
            while (!closed && nanos > 0) {
                nanos = ended.awaitNanos(nanos);
            }
            return !closed;
        } finally {
            lock.unlock();
        }
    }

    /** Called by the client, on its thread for such calls. */
    private void changed(Connection connection, Events event) {
        lock.lock();
        try {
            if (!connection.equals(client)) {
                return;
            }
            switch (event) {
                // Not yet at RECONNECTED: pulls sent between the two would count for the epoch before.
                case RESUBSCRIBED -> {
                    if (connection.getStatus() == Connection.Status.CONNECTED) {
                        isUp(connection);
                    }
                }
                case DISCONNECTED -> isDown();
                case CLOSED -> {
                    isDown();
                    ended.signalAll();
                }
                default -> {}
            }
        } finally {
            lock.unlock();
        }
    }

    private void isUp(Connection connection) {
        watch.connected();
        epoch.incrementAndGet();
        current = connection;
        changes.release();
    }

    private void isDown() {
        if (current != null) {
            current = null;
            changes.release();
        }
    }

    private void tellListeners() {
        try {
            while (true) {
                changes.acquire();
                changes.drainPermits();
                for (Runnable listener : listeners) {
                    try {
                        listener.run();
                    } catch (RuntimeException e) {
                        log.error("NATS: a listener to changes of the connection failed", e);
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void closeQuietly(Connection connection) {
        try {
            if (connection.getStatus() == Connection.Status.CONNECTED) {
                connection.flush(Duration.ofSeconds(1));
            }
        } catch (TimeoutException | IllegalStateException e) {
            log.debug("NATS: not everything could be sent before the end", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        try {
            connection.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
