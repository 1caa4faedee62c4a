package dev.saf.channel.amqp;

import com.rabbitmq.client.Address;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import java.io.IOException;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * The one connection of a channel and its publishers, made when they are first needed and again after they broke. They
 * are made on threads of their own, since RabbitMQ's client cannot be interrupted there.
 */
final class Broker {

    /** A broker that does not answer must not keep the service from ending. */
    private static final Duration FAREWELL = Duration.ofSeconds(1);

    private final String name;
    private final AmqpSettings settings;
    private final @Nullable SSLContext tls;
    private final Executor threads;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, CompletableFuture<Publisher>> publishers = new HashMap<>();
    private @Nullable CompletableFuture<Connection> current;
    private boolean closed;

    Broker(String name, AmqpSettings settings, @Nullable SSLContext tls) {
        this.name = name;
        this.settings = settings;
        this.tls = tls;
        this.threads = task -> Thread.ofVirtual().name("amqp-" + name).start(task);
    }

    /** What publishes to an exchange, or the one that is being made, for everybody who waits; or why there is none. */
    CompletableFuture<Publisher> publisher(String exchange) {
        lock.lock();
        try {
            if (closed) {
                return CompletableFuture.failedFuture(new IOException("the channel is closed"));
            }
            CompletableFuture<Publisher> publisher = publishers.get(exchange);
            if (publisher == null || (publisher.isDone() && !isOpen(publisher))) {
                publisher = connection().thenApplyAsync(connection -> publisher(connection, exchange), threads);
                publishers.put(exchange, publisher);
            }
            return publisher;
        } finally {
            lock.unlock();
        }
    }

    void close() {
        CompletableFuture<Connection> last;
        lock.lock();
        try {
            last = closed ? null : current;
            closed = true;
        } finally {
            lock.unlock();
        }
        if (last != null) {
            var _ = last.thenAcceptAsync(connection -> connection.abort((int) FAREWELL.toMillis()), threads)
                    .handle((_, failure) -> failure == null)
                    .completeOnTimeout(false, 2 * FAREWELL.toMillis(), TimeUnit.MILLISECONDS)
                    .join();
        }
    }

    private CompletableFuture<Connection> connection() {
        CompletableFuture<Connection> connection = current;
        if (connection == null
                || (connection.isDone()
                        && (connection.isCompletedExceptionally()
                                || !connection.resultNow().isOpen()))) {
            publishers.clear();
            connection = CompletableFuture.supplyAsync(this::connect, threads);
            current = connection;
        }
        return connection;
    }

    private static boolean isOpen(CompletableFuture<Publisher> publisher) {
        return !publisher.isCompletedExceptionally() && publisher.resultNow().isOpen();
    }

    private static Publisher publisher(Connection connection, String exchange) {
        try {
            return Publisher.open(connection, exchange);
        } catch (IOException e) {
            throw new CompletionException(e);
        }
    }

    private Connection connect() {
        List<Address> nodes = settings.nodes().stream()
                .map(node -> new Address(node.getHost(), AmqpSettings.port(node)))
                .toList();
        try {
            return factory().newConnection(nodes, "saf " + name);
        } catch (IOException | TimeoutException | NoSuchAlgorithmException e) {
            throw new CompletionException(e);
        }
    }

    private ConnectionFactory factory() throws NoSuchAlgorithmException {
        int patience = (int) Objects.requireNonNull(settings.connectTimeout()).toMillis();
        ConnectionFactory factory = new ConnectionFactory();
        factory.setVirtualHost(Objects.requireNonNull(settings.virtualHost()));
        @Nullable String username = settings.username();
        @Nullable String password = settings.password();
        if (username != null && password != null) {
            factory.setUsername(username);
            factory.setPassword(password);
        }
        // A connection that broke is made again here, when it is needed.
        factory.setAutomaticRecoveryEnabled(false);
        factory.setConnectionTimeout(patience);
        factory.setHandshakeTimeout(patience);
        factory.setChannelRpcTimeout(patience);
        factory.setRequestedHeartbeat(
                (int) Objects.requireNonNull(settings.heartbeat()).toSeconds());
        factory.setThreadFactory(task -> Thread.ofPlatform().daemon().unstarted(task)); // The client names them.
        if (AmqpSettings.isSecure(settings.nodes().getFirst())) {
            factory.useSslProtocol(tls == null ? SSLContext.getDefault() : tls);
            factory.enableHostnameVerification();
        }
        return factory;
    }
}
