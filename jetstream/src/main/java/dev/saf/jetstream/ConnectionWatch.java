package dev.saf.jetstream;

import io.nats.client.Connection;
import io.nats.client.ConnectionListener;
import io.nats.client.Consumer;
import io.nats.client.ErrorListener;
import io.nats.client.Message;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hears what the NATS client has to say, counts it, and logs it, but no more than once a minute for the same complaint.
 * A refused login or a denied permission is told here and nowhere else. Never blocks, for the client has a single
 * thread for all of this.
 */
final class ConnectionWatch implements ConnectionListener, ErrorListener {

    private static final Logger log = LoggerFactory.getLogger(NatsConnection.class);
    private static final long REPEAT_NANOS = 60_000_000_000L;
    private static final int REMEMBERED = 32;

    final LongAdder reconnects = new LongAdder();
    final LongAdder authentications = new LongAdder();
    final LongAdder permissions = new LongAdder();
    final LongAdder errors = new LongAdder();
    final LongAdder exceptions = new LongAdder();
    final LongAdder discarded = new LongAdder();
    final LongAdder slowConsumers = new LongAdder();

    private final BiConsumer<Connection, Events> events;
    private final Map<String, Long> logged = new LinkedHashMap<>();
    private volatile @Nullable String lastError;
    private volatile @Nullable String lastDenial;

    /** @param events told of every change of a connection's state */
    ConnectionWatch(BiConsumer<Connection, Events> events) {
        this.events = events;
    }

    /** The last complaint of the server or the client about the connection, null since it came up without any. */
    @Nullable
    String lastError() {
        return lastError;
    }

    /** The last permission the server denied on this connection, null if none. */
    @Nullable
    String lastDenial() {
        return lastDenial;
    }

    void connected() {
        lastError = null;
        lastDenial = null;
    }

    /** No server took the connection, for reasons that are told separately. */
    void failed(Exception exception) {
        if (lastError == null) {
            lastError = describe(exception);
        }
    }

    @Override
    @Deprecated
    public void connectionEvent(Connection connection, Events type) {
        // The client calls the one below.
    }

    @Override
    public void connectionEvent(Connection connection, Events type, Long time, @Nullable String uri) {
        switch (type) {
            case CONNECTED -> log.info("NATS: connected to {}", uri);
            case RECONNECTED -> {
                reconnects.increment();
                log.info("NATS: connected again, to {}", uri);
            }
            case DISCONNECTED -> log.debug("NATS: no connection to {}", uri);
            case LAME_DUCK -> log.info("NATS: {} is about to shut down", uri);
            default -> log.debug("NATS: {} {}", type, uri);
        }
        events.accept(connection, type);
    }

    @Override
    public void errorOccurred(Connection connection, String error) {
        String lower = error.toLowerCase(Locale.ROOT);
        if (lower.contains("permissions violation")) {
            permissions.increment();
            lastDenial = error;
        } else {
            (lower.contains("authorization") || lower.contains("authentication") ? authentications : errors)
                    .increment();
            lastError = "the server says '" + error + "'";
        }
        // Up to the first quote, behind which there may be any subject.
        int quote = error.indexOf('"');
        warn(quote < 0 ? error : error.substring(0, quote), "NATS: the server says: {}", error);
    }

    @Override
    public void exceptionOccurred(Connection connection, Exception exception) {
        exceptionOccurred(exception);
    }

    void exceptionOccurred(Exception exception) {
        exceptions.increment();
        String problem = describe(exception);
        // The client waits in vain after a refused login, too; the refusal says more than the time-out.
        if (lastError == null || !(exception instanceof TimeoutException)) {
            lastError = problem;
        }
        warn(problem, "NATS: {}", problem);
    }

    @Override
    public void slowConsumerDetected(Connection connection, Consumer consumer) {
        slowConsumers.increment();
        warn("slow consumer", "NATS: messages come in faster than they are taken, and are dropped by the {}", "client");
    }

    @Override
    public void messageDiscarded(Connection connection, Message message) {
        discarded.increment();
        warn("discarded", "NATS: the client discarded a message to {}", message.getSubject());
    }

    @Override
    public void socketWriteTimeout(Connection connection) {
        errors.increment();
        lastError = "the server takes no more bytes";
        warn("write", "NATS: {}", lastError);
    }

    /** The innermost reason, which is the one that says something: a refused connection, a wrong certificate. */
    static String describe(Throwable problem) {
        Throwable innermost = problem;
        while (innermost.getCause() != null) {
            innermost = innermost.getCause();
        }
        String message = innermost.getMessage();
        return message == null || message.isBlank()
                ? innermost.getClass().getSimpleName()
                : innermost.getClass().getSimpleName() + ": " + message;
    }

    private void warn(String key, String format, @Nullable Object argument) {
        long now = System.nanoTime();
        synchronized (logged) {
            Long last = logged.get(key);
            if (last != null && now - last < REPEAT_NANOS) {
                return;
            }
            if (logged.size() >= REMEMBERED) {
                logged.remove(logged.keySet().iterator().next());
            }
            logged.put(key, now);
        }
        log.warn(format, argument);
    }
}
