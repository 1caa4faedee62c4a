package dev.saf.channel.nats;

import dev.saf.channel.Channel;
import dev.saf.channel.RejectedEventException;
import dev.saf.channel.Template;
import dev.saf.event.Event;
import dev.saf.event.WireFormat;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamOptions;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.PublishOptions;
import io.nats.client.impl.Headers;
import io.nats.client.impl.NatsMessage;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Publishes each event to another NATS, as a CloudEvent in binary mode with the message id that Saf uses, too. It is
 * delivered when a stream has taken it, or, without JetStream, when the server has. The connection is made by the first
 * delivery, and comes back by itself.
 */
final class NatsChannel implements Channel {

    /** Shorter than a channel's usual time-out, so that a silent server is told as such. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private static final int TOO_LARGE = 10054;
    private static final String NO_STREAM = "503 No Responders";

    private final NatsSettings settings;
    private final Template subject;
    private final Options options;
    private final ReentrantLock connecting = new ReentrantLock();
    private @Nullable Connection connection;

    NatsChannel(String name, NatsSettings settings, @Nullable SSLContext tls) {
        this.settings = settings;
        this.subject = Template.of("subject", String.valueOf(settings.subject()));
        this.options = options(name, settings, tls);
    }

    private static Options options(String name, NatsSettings settings, @Nullable SSLContext tls) {
        Options.Builder options = new Options.Builder()
                .servers(Objects.requireNonNull(settings.servers()).toArray(String[]::new))
                .connectionName("saf-" + name)
                .connectionTimeout(Objects.requireNonNull(settings.connectTimeout()))
                .maxReconnects(-1)
                .reconnectWait(Duration.ofMillis(500))
                // Nothing waits in here while there is no connection.
                .reconnectBufferSize(0);
        if (settings.credentials() != null) {
            options.authHandler(Nats.credentials(settings.credentials()));
        }
        if (settings.username() != null) {
            options.userInfo(settings.username(), String.valueOf(settings.password()));
        }
        if (settings.token() != null) {
            options.token(settings.token().toCharArray());
        }
        if (tls != null) {
            options.sslContext(tls);
        }
        try {
            return options.build();
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("servers: make no connection: " + e.getMessage(), e);
        }
    }

    @Override
    public void deliver(Event event) throws Exception {
        Message message = message(event);
        try {
            Connection connected = connected();
            if (Boolean.TRUE.equals(settings.jetstream())) {
                var _ = connected
                        .jetStream(JetStreamOptions.builder()
                                .requestTimeout(PATIENCE)
                                .build())
                        .publish(
                                message,
                                PublishOptions.builder()
                                        .expectedStream(settings.stream())
                                        .build());
            } else {
                connected.publish(message);
                connected.flush(PATIENCE);
            }
        } catch (IllegalArgumentException e) {
            throw new RejectedEventException("the event makes no message: " + e.getMessage());
        } catch (JetStreamApiException | IOException | IllegalStateException | TimeoutException e) {
            throw failure(message.getSubject(), e);
        }
    }

    /** Connects and logs in. */
    @Override
    public void check() throws IOException, InterruptedException {
        var _ = connected();
    }

    private Message message(Event event) throws RejectedEventException {
        String filled = subject.fill(event);
        if (!NatsSettings.isSubject(filled)) {
            throw new RejectedEventException("the event makes no subject of subject: tokens of printable characters"
                    + " between dots, without wildcards");
        }
        Headers headers = new Headers();
        WireFormat.write(event, (name, value) -> {
            // A foreign publisher's trace may be anything: left out rather than in the way of the event.
            if (value.chars().allMatch(c -> c >= ' ' && c <= '~')) {
                headers.put(name, value);
            }
        });
        return NatsMessage.builder()
                .subject(filled)
                .headers(headers)
                .data(event.payload().bytes())
                .build();
    }

    private Exception failure(String filled, Exception e) {
        String what = settings.servers() + " did not take an event for " + filled + ": " + e.getMessage();
        if (e instanceof JetStreamApiException refusal && refusal.getApiErrorCode() == TOO_LARGE) {
            return new RejectedEventException(what);
        }
        boolean isMissing = String.valueOf(e.getMessage()).contains(NO_STREAM);
        // Another event may have a subject that a stream has.
        return isMissing && !settings.hasOneSubject()
                ? new IllegalStateException(what, e)
                : new IOException(isMissing ? what + ": no stream has that subject" : what, e);
    }

    private Connection connected() throws IOException, InterruptedException {
        connecting.lockInterruptibly();
        try {
            Connection ready = connection;
            // A server that refuses the log-in twice ends it for good.
            if (ready == null || ready.getStatus() == Connection.Status.CLOSED) {
                ready = Nats.connect(options);
                connection = ready;
            }
            return ready;
        } catch (IOException e) {
            throw new IOException("cannot reach it: " + e.getMessage(), e);
        } finally {
            connecting.unlock();
        }
    }

    @Override
    public void close() {
        connecting.lock();
        try {
            if (connection != null) {
                connection.close();
                connection = null;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            connecting.unlock();
        }
    }
}
