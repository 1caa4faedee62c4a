package dev.saf.producer;

import dev.saf.event.Event;
import dev.saf.event.InvalidEventException;
import dev.saf.event.WireFormat;
import dev.saf.jetstream.EventMessages;
import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.PublishHealth;
import dev.saf.jetstream.Streams;
import dev.saf.producer.PublishResult.Failed;
import dev.saf.producer.PublishResult.IdReused;
import dev.saf.producer.PublishResult.Outcome;
import dev.saf.producer.PublishResult.Reason;
import dev.saf.producer.PublishResult.Stored;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.JetStreamApiException;
import io.nats.client.Message;
import io.nats.client.api.MessageInfo;
import io.nats.client.api.PublishAck;
import io.nats.client.impl.Headers;
import java.io.IOException;
import java.time.Duration;
import java.util.Iterator;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes with jnats, and retries under the same message id within a budget, so that the fault of one node passes
 * unnoticed.
 *
 * <p>The acknowledgements of all publications arrive on one inbox, told apart by a token: unlike the client's own
 * {@code publishAsync} this bounds each attempt in time, and costs neither a future nor a map of response listeners per
 * event. A publication belongs at any moment to whoever took its token out of the map, so it needs no lock.
 */
final class JetStreamEventPublisher implements EventPublisher, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(JetStreamEventPublisher.class);
    private static final int STORE_FAILED = 10077;
    private static final int MESSAGE_TOO_LARGE = 10054;
    private static final int HEADERS_TOO_LARGE = 10097;

    /** Below what the client's outgoing queue takes (5,000), since a full queue makes its callers wait. */
    private static final int MAX_OUTGOING = 4_500;

    private static final Duration TICK = Duration.ofMillis(20);
    private static final Duration FIRST_RETRY = Duration.ofMillis(50);
    private static final Duration LAST_RETRY = Duration.ofMillis(500);

    private final NatsConnection nats;
    private final Streams streams;
    private final PublishHealth health;
    private final String stream;
    private final long budget;
    private final long attemptTimeout;
    private final Semaphore permits;
    private final int maxInFlight;
    private final Counter retries;

    private final ConcurrentHashMap<Long, Publication> awaiting = new ConcurrentHashMap<>();
    private final AtomicLong tokens = new AtomicLong();
    private volatile long latestAnswered;
    private final Queue<Publication> retrying = new ConcurrentLinkedQueue<>();
    private final Thread clock;
    private volatile boolean closed;
    private volatile @Nullable Inbox inbox;
    private volatile long disconnectedSince = System.nanoTime();

    /** Where the acknowledgements of one connection arrive. */
    private record Inbox(Connection connection, String prefix) {}

    /** One event on its way; changed only by its owner. */
    private static final class Publication {
        final Event event;
        final String subject;
        final Headers headers;
        final Consumer<? super PublishResult> done;
        final long started;
        /** When the attempt under way is given up, or else the next one begins. */
        long due;

        /** Of the connection the attempt under way was made on. */
        long epoch;

        int attempts;
        boolean maybeStored;

        Publication(Event event, Consumer<? super PublishResult> done, long started) {
            this.event = event;
            this.subject = WireFormat.natsSubject(event);
            this.headers = EventMessages.headers(event);
            this.done = done;
            this.started = started;
        }
    }

    JetStreamEventPublisher(
            NatsConnection nats,
            Streams streams,
            PublishHealth health,
            ProducerSettings settings,
            MeterRegistry metrics) {
        this.nats = nats;
        this.streams = streams;
        this.health = health;
        this.stream = Streams.EVENTS;
        this.budget = settings.publishBudget().toNanos();
        this.attemptTimeout = settings.attemptTimeout().toNanos();
        this.maxInFlight = settings.maxInFlight();
        this.permits = new Semaphore(maxInFlight);
        this.retries = Counter.builder("saf.producer.publish.retries")
                .description("attempts to publish after the first")
                .register(metrics);
        Gauge.builder("saf.producer.in.flight", permits, free -> maxInFlight - free.availablePermits())
                .description("events waiting for their acknowledgement")
                .register(metrics);
        nats.onChange(this::connectionChanged);
        clock = Thread.ofPlatform().name("saf-publish-clock").daemon().start(this::tick);
    }

    @Override
    public void publish(Event event, Consumer<? super PublishResult> done) {
        if (!permits.tryAcquire()) {
            done.accept(new Failed(Outcome.NOT_STORED, Reason.OVERLOADED));
            return;
        }
        attempt(new Publication(event, done, System.nanoTime()));
    }

    /**
     * Waits for the publications under way, as long as their budget can last; refuses nothing and interrupts nobody.
     */
    @Override
    public void close() {
        try {
            if (!permits.tryAcquire(maxInFlight, budget + attemptTimeout, TimeUnit.NANOSECONDS)) {
                LOG.warn("closing with {} events unacknowledged", maxInFlight - permits.availablePermits());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        closed = true;
        LockSupport.unpark(clock);
    }

    private void attempt(Publication publication) {
        Connection connection = nats.current();
        if (connection == null) {
            retry(publication, Reason.DISCONNECTED);
            return;
        }
        if (!streams.usable(stream)) {
            retry(publication, Reason.UNSAFE_STREAM);
            return;
        }
        if (isOutgoingQueueFull(connection)) {
            retry(publication, Reason.OVERLOADED);
            return;
        }
        publication.attempts++;
        if (publication.attempts > 1) {
            retries.increment();
        }
        publication.due = System.nanoTime() + attemptTimeout;
        publication.epoch = nats.epoch();
        long token = tokens.incrementAndGet();
        awaiting.put(token, publication);
        try {
            connection.publish(
                    publication.subject,
                    inbox(connection).prefix() + token,
                    publication.headers,
                    publication.event.payload().bytes());
        } catch (IllegalStateException e) {
            // Not connected any more, or its queue is full: the client has not taken the message.
            if (awaiting.remove(token) != null) {
                retry(publication, Reason.DISCONNECTED);
            }
        } catch (IllegalArgumentException e) {
            if (awaiting.remove(token) != null) {
                boolean tooLarge = publication.event.payload().bytes().length
                        > connection.getMaxPayload() - headerAllowance(publication);
                LOG.warn("the client refused event {}: {}", publication.event.id(), e.getMessage());
                fail(publication, tooLarge ? Reason.TOO_LARGE : Reason.REFUSED);
            }
        }
    }

    /**
     * Whether too much waits to be sent. The client's own count waits for the write that is going on, so it is asked
     * only where it can matter: whatever is older than the latest acknowledged attempt has been sent.
     */
    private boolean isOutgoingQueueFull(Connection connection) {
        return tokens.get() - latestAnswered > MAX_OUTGOING && connection.outgoingPendingMessageCount() > MAX_OUTGOING;
    }

    private static long headerAllowance(Publication publication) {
        return publication.headers.serializedLength();
    }

    private Inbox inbox(Connection connection) {
        Inbox current = inbox;
        return current != null && current.connection().equals(connection) ? current : newInbox(connection);
    }

    private synchronized Inbox newInbox(Connection connection) {
        Inbox current = inbox;
        if (current != null && current.connection().equals(connection)) {
            return current;
        }
        String prefix = connection.createInbox() + ".";
        Dispatcher dispatcher = connection.createDispatcher(message -> answered(message, prefix.length()));
        dispatcher.setPendingLimits(-1, -1);
        dispatcher.subscribe(prefix + "*");
        Inbox created = new Inbox(connection, prefix);
        inbox = created;
        return created;
    }

    private void answered(Message answer, int prefixLength) {
        String subject = answer.getSubject();
        long token = Long.parseLong(subject, prefixLength, subject.length(), 10);
        if (token > latestAnswered) {
            latestAnswered = token;
        }
        Publication publication = awaiting.remove(token);
        if (publication == null) {
            return; // Too late, another attempt is under way.
        }
        try {
            if (answer.isStatusMessage()) {
                retry(publication, Reason.NO_STREAM);
                return;
            }
            PublishAck ack = new PublishAck(answer);
            if (!ack.getStream().equals(stream)) {
                LOG.error("stream {} acknowledged an event meant for {}", ack.getStream(), stream);
                unknown(publication, Reason.UNSAFE_STREAM);
            } else if (ack.isDuplicate()) {
                Thread.startVirtualThread(() -> compare(publication, ack.getSeqno()));
            } else {
                succeed(publication, new Stored(stream, ack.getSeqno(), false));
            }
        } catch (JetStreamApiException e) {
            refused(publication, e);
        } catch (IOException e) {
            LOG.error("no JetStream acknowledgement: {}", e.getMessage());
            unknown(publication, Reason.REFUSED);
        }
    }

    private void refused(Publication publication, JetStreamApiException e) {
        switch (e.getApiErrorCode()) {
            case STORE_FAILED -> fail(publication, Reason.STREAM_FULL);
            case MESSAGE_TOO_LARGE, HEADERS_TOO_LARGE -> fail(publication, Reason.TOO_LARGE);
            default -> {
                // Temporary ones (no leader, the id is being stored elsewhere) have codes in the 500s, 409 and 429.
                if (e.getErrorCode() >= 500 || e.getErrorCode() == 409 || e.getErrorCode() == 429) {
                    retry(publication, Reason.REFUSED);
                } else {
                    LOG.error("JetStream refused event {}: {}", publication.event.id(), e.getMessage());
                    fail(publication, Reason.REFUSED);
                }
            }
        }
    }

    /** The stream has the id: the same event sent again, or another one that must not be taken for it? */
    private void compare(Publication publication, long sequence) {
        Connection connection = nats.current();
        try {
            if (connection != null) {
                MessageInfo first = connection.jetStreamManagement().getMessage(stream, sequence);
                if (WireFormat.digest(publication.event).equals(digest(first))) {
                    succeed(publication, new Stored(stream, sequence, true));
                } else {
                    succeed(publication, new IdReused());
                }
                return;
            }
        } catch (IOException | JetStreamApiException | RuntimeException e) {
            LOG.warn("could not read message {} of stream {}: {}", sequence, stream, e.getMessage());
        }
        publication.maybeStored = true;
        retry(publication, Reason.NOT_COMPARED);
    }

    private static @Nullable String digest(MessageInfo message) {
        Headers headers = message.getHeaders();
        String subject = message.getSubject();
        if (headers == null || subject == null) {
            return null;
        }
        String stored = headers.getFirst(WireFormat.DIGEST);
        if (stored != null) {
            return stored;
        }
        try {
            byte[] body = message.getData();
            return WireFormat.digest(
                    WireFormat.read(subject, headers.keySet(), headers::getFirst, body == null ? new byte[0] : body));
        } catch (InvalidEventException e) {
            return null;
        }
    }

    private void retry(Publication publication, Reason reason) {
        long now = System.nanoTime();
        long delay = delay(publication.attempts);
        long ends = publication.started + budget;
        if (reason == Reason.DISCONNECTED) {
            // Once NATS has been away for a whole budget, waiting has become hopeless: say so at once.
            ends = Math.min(ends - now, disconnectedSince + budget - now) + now;
        }
        if (now + delay - ends > 0) {
            fail(publication, reason);
        } else {
            publication.due = now + delay;
            retrying.add(publication);
        }
    }

    private static long delay(int attempts) {
        long most = Math.min(LAST_RETRY.toNanos(), FIRST_RETRY.toNanos() << Math.min(attempts, 10));
        return most / 2 + ThreadLocalRandom.current().nextLong(most / 2);
    }

    private void connectionChanged() {
        if (nats.current() == null) {
            disconnectedSince = System.nanoTime();
        }
        // What was under way on a connection that is gone gets no answer any more.
        long epoch = nats.epoch();
        boolean gone = nats.current() == null;
        expire(publication -> gone || publication.epoch != epoch);
    }

    private void tick() {
        while (!closed) {
            LockSupport.parkNanos(TICK.toNanos());
            try {
                long now = System.nanoTime();
                expire(publication -> now - publication.due > 0);
                again(now);
            } catch (RuntimeException e) {
                LOG.error("looking after unacknowledged events failed", e);
            }
        }
    }

    private void again(long now) {
        for (Iterator<Publication> waiting = retrying.iterator(); waiting.hasNext(); ) {
            Publication publication = waiting.next();
            if (now - publication.due >= 0) {
                waiting.remove();
                attempt(publication);
            }
        }
    }

    private void expire(Predicate<Publication> isOver) {
        awaiting.forEach((token, publication) -> {
            if (isOver.test(publication) && awaiting.remove(token, publication)) {
                publication.maybeStored = true;
                health.failed(Reason.NO_ANSWER.sentence());
                retry(publication, Reason.NO_ANSWER);
            }
        });
    }

    private void unknown(Publication publication, Reason reason) {
        publication.maybeStored = true;
        fail(publication, reason);
    }

    private void fail(Publication publication, Reason reason) {
        switch (reason) {
            case STREAM_FULL -> health.full(reason.sentence());
            case TOO_LARGE, OVERLOADED -> {}
            default -> health.failed(reason.sentence());
        }
        finish(publication, new Failed(publication.maybeStored ? Outcome.UNKNOWN : Outcome.NOT_STORED, reason));
    }

    private void succeed(Publication publication, PublishResult result) {
        health.succeeded();
        finish(publication, result);
    }

    private void finish(Publication publication, PublishResult result) {
        permits.release();
        try {
            publication.done.accept(result);
        } catch (RuntimeException e) {
            LOG.error("answering for event {} failed", publication.event.id(), e);
        }
    }
}
