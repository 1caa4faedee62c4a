package dev.saf.jetstream;

import dev.saf.settings.InvalidSettingException;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamManagement;
import io.nats.client.JetStreamOptions;
import io.nats.client.api.ServerInfo;
import io.nats.client.api.StreamConfiguration;
import io.nats.client.api.StreamInfo;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The streams and their contract. Creates those that are missing, never alters one that exists, and looks at the start,
 * after each interruption and every minute whether they still keep the promises.
 */
public final class Streams implements AutoCloseable {

    /** The stream that keeps events. */
    public static final String EVENTS = "events";

    /** The stream that keeps what no channel took. */
    public static final String DEAD_LETTERS = "dead-letters";

    /** The stream that keeps retries until they are due. */
    public static final String LATER = "later";

    /** The key-value bucket of the facts that all processes share. */
    public static final String BUCKET = "saf";

    /** The stream behind the bucket. */
    public static final String STATE = "KV_" + BUCKET;

    /** The stream that keeps what nats-server reports of deliveries it has given up. */
    public static final String ADVISORIES = "advisories";

    /** All streams. */
    static final List<String> ALL = List.of(EVENTS, DEAD_LETTERS, LATER, STATE, ADVISORIES);

    /** The oldest nats-server that has all that is used here. */
    static final String OLDEST_SERVER = "2.12.0";

    /** Without these no event is safe. Without the others one has fewer ways, all of them safe. */
    private static final Set<String> VITAL = Set.of(EVENTS, DEAD_LETTERS);

    private static final Logger log = LoggerFactory.getLogger(Streams.class);
    private static final int STREAM_NOT_FOUND = 10059;
    private static final int NAME_IN_USE = 10058;
    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

    /** Of a stream's limits, above which a message may not fit any more. */
    private static final double FULL = 0.98;

    /**
     * What the last look at a stream has shown.
     *
     * @param info null as long as nobody could look
     */
    record Sight(StreamState state, @Nullable StreamInfo info) {}

    private final NatsConnection connection;
    private final StreamsSettings settings;
    private final PublishHealth publishHealth;
    private final List<String> names;
    private final Map<String, Sight> sights = new ConcurrentHashMap<>();
    private final Semaphore looks = new Semaphore(0);
    private volatile boolean closed;
    private volatile @Nullable Thread watcher;
    private volatile @Nullable String outdatedServer;

    /**
     * Prepares for some of the streams.
     *
     * @param names the streams this service needs, among the constants of this class
     */
    public Streams(
            NatsConnection connection, StreamsSettings settings, PublishHealth publishHealth, List<String> names) {
        this.connection = connection;
        this.settings = settings;
        this.publishHealth = publishHealth;
        this.names = List.copyOf(names);
        names.forEach(name -> sights.put(
                name, new Sight(new StreamState.Unknown("stream " + name + " has not been looked at yet"), null)));
    }

    /**
     * Begins to look after the streams. Waits a moment for the connection, so that a server too old can stop the start.
     *
     * @throws InvalidSettingException if the server is there and too old
     */
    public void start() throws InterruptedException {
        connection.awaitFirstAttempt(connection.settings().connectTimeout().plusSeconds(1));
        Connection nats = connection.current();
        if (nats != null) {
            String outdated = outdated(nats);
            if (outdated != null) {
                throw new InvalidSettingException("saf.nats.servers", outdated);
            }
        }
        connection.onChange(looks::release);
        watcher = Thread.ofVirtual().name("streams").start(this::watch);
    }

    @Override
    public void close() {
        closed = true;
        Thread thread = watcher;
        if (thread != null) {
            thread.interrupt();
        }
    }

    /** What is known of a stream. */
    public StreamState state(String stream) {
        return sight(stream).state();
    }

    /** Whether a stream exists and keeps its promises, as far as is known. Cheap enough for every publish. */
    public boolean usable(String stream) {
        return outdatedServer == null && sight(stream).state() instanceof StreamState.Sound;
    }

    /** After which age a stream really drops messages; zero for never, and as long as nobody could look. */
    public Duration maxAge(String stream) {
        StreamInfo info = sight(stream).info();
        Duration age = info == null ? null : info.getConfiguration().getMaxAge();
        return age == null ? Duration.ZERO : age;
    }

    public StreamsSettings settings() {
        return settings;
    }

    /** The streams this service needs. */
    List<String> names() {
        return names;
    }

    Sight sight(String stream) {
        Sight sight = sights.get(stream);
        if (sight == null) {
            throw new IllegalArgumentException("stream " + stream + " is not among the needed ones, " + names);
        }
        return sight;
    }

    /** Why no event can be kept or delivered safely, as a sentence; null if it can. */
    @Nullable
    String problem() {
        String outdated = outdatedServer;
        return outdated == null ? problem(VITAL::contains) : outdated;
    }

    /** What else is wrong, as a sentence, and stops no event: a retry, for one, waits where it is instead. */
    @Nullable
    String shortcoming() {
        return problem(name -> !VITAL.contains(name));
    }

    private @Nullable String problem(Predicate<String> concerned) {
        return names.stream()
                .filter(concerned)
                .map(name -> problem(sight(name).state()))
                .filter(Objects::nonNull)
                .findFirst()
                .orElse(null);
    }

    private static @Nullable String problem(StreamState state) {
        return switch (state) {
            case StreamState.Sound sound -> null;
            case StreamState.Unknown(String reason) -> reason;
            case StreamState.Missing(String reason) -> reason;
            case StreamState.Unsafe(List<String> reasons) -> String.join("; ", reasons);
        };
    }

    private void watch() {
        try {
            Duration pause = SHORTEST_PAUSE;
            while (!closed) {
                boolean calm = look() && problem() == null && shortcoming() == null && !publishHealth.isFailing();
                if (rest(calm ? settings.checkInterval() : pause)) {
                    pause = SHORTEST_PAUSE;
                } else {
                    pause = calm ? SHORTEST_PAUSE : min(pause.multipliedBy(2), LONGEST_PAUSE);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits, but no longer than until publishing begins to fail. True if the connection has changed meanwhile. */
    private boolean rest(Duration time) throws InterruptedException {
        boolean failing = publishHealth.isFailing();
        long end = System.nanoTime() + time.toNanos();
        for (long left = time.toNanos(); left > 0; left = end - System.nanoTime()) {
            if (looks.tryAcquire(Math.min(left, LONGEST_PAUSE.toNanos()), TimeUnit.NANOSECONDS)) {
                looks.drainPermits();
                return true;
            }
            if (!failing && publishHealth.isFailing()) {
                return false;
            }
        }
        return false;
    }

    /** False if not all that was to be seen could be seen. */
    private boolean look() {
        Connection nats = connection.current();
        if (nats == null) {
            // The next connection is a reason to look again.
            return false;
        }
        String outdated = outdated(nats);
        if (outdated != null && outdatedServer == null) {
            log.error("{}", outdated);
        }
        outdatedServer = outdated;
        boolean seen = true;
        for (String name : names) {
            seen &= look(nats, settings.configuration(name));
        }
        return seen;
    }

    private boolean look(Connection nats, StreamConfiguration asked) {
        Sight before = sight(asked.getName());
        StreamInfo info;
        try {
            JetStreamManagement streams = nats.jetStreamManagement(JetStreamOptions.builder()
                    .requestTimeout(connection.settings().requestTimeout())
                    .build());
            info = find(streams, asked.getName());
            if (info == null) {
                info = create(streams, asked);
            }
        } catch (JetStreamApiException | IOException | IllegalStateException e) {
            String reason = "stream %s could not be looked at: %s".formatted(asked.getName(), reason(e));
            // Not to be able to look says nothing about the stream: what was known stands.
            if (before.info() == null) {
                remember(before, asked.getName(), new StreamState.Unknown(reason), null);
            } else {
                log.debug("{}", reason);
            }
            return false;
        }
        if (info == null) {
            return false;
        }
        remember(before, asked.getName(), StreamContract.compare(asked, info.getConfiguration()), info);
        if (asked.getName().equals(EVENTS) && hasRoom(info)) {
            publishHealth.room();
        }
        return true;
    }

    /** Null if there is no such stream. */
    static @Nullable StreamInfo find(JetStreamManagement streams, String name)
            throws IOException, JetStreamApiException {
        try {
            return streams.getStreamInfo(name);
        } catch (JetStreamApiException e) {
            if (e.getApiErrorCode() == STREAM_NOT_FOUND) {
                return null;
            }
            throw e;
        }
    }

    /** Null if it cannot be created now; then it is known to be missing. */
    private @Nullable StreamInfo create(JetStreamManagement streams, StreamConfiguration asked)
            throws IOException, JetStreamApiException {
        try {
            StreamInfo created = streams.addStream(asked);
            log.info("stream {} was missing and has been created", asked.getName());
            return created;
        } catch (JetStreamApiException | IOException e) {
            if (e instanceof JetStreamApiException refusal && refusal.getApiErrorCode() == NAME_IN_USE) {
                // Somebody else has created it in the meantime, in another way.
                return find(streams, asked.getName());
            }
            String reason =
                    "stream %s does not exist and could not be created: %s".formatted(asked.getName(), reason(e));
            remember(sight(asked.getName()), asked.getName(), new StreamState.Missing(reason), null);
            return null;
        }
    }

    /** Keeps what was seen, and logs it if it is news. */
    private void remember(Sight before, String name, StreamState state, @Nullable StreamInfo info) {
        sights.put(name, new Sight(state, info));
        if (closed || state.equals(before.state())) {
            return;
        }
        switch (state) {
            case StreamState.Unknown(String reason) -> log.warn("{}", reason);
            case StreamState.Missing(String reason) -> log.error("{}", reason);
            case StreamState.Unsafe(List<String> reasons) -> reasons.forEach(log::error);
            case StreamState.Sound(List<String> differences) -> {
                if (!(before.state() instanceof StreamState.Sound)) {
                    log.info("stream {} keeps its promises", name);
                }
                differences.forEach(log::warn);
            }
        }
    }

    private String reason(Exception e) {
        // A denied request gets no answer at all; the denial has come by another way.
        String denial =
                e instanceof JetStreamApiException ? null : connection.watch().lastDenial();
        return denial == null ? ConnectionWatch.describe(e) : denial;
    }

    private static boolean hasRoom(StreamInfo info) {
        long bytes = info.getConfiguration().getMaxBytes();
        long messages = info.getConfiguration().getMaxMsgs();
        var state = info.getStreamState();
        return (bytes <= 0 || state.getByteCount() < bytes * FULL) && (messages <= 0 || state.getMsgCount() < messages);
    }

    /** A sentence if the server is too old, else null. */
    static @Nullable String outdated(Connection nats) {
        ServerInfo server = nats.getServerInfo();
        return server.isSameOrNewerThanVersion(OLDEST_SERVER)
                ? null
                : "nats-server %s at %s is too old, at least %s is needed"
                        .formatted(server.getVersion(), nats.getConnectedUrl(), OLDEST_SERVER);
    }

    private static Duration min(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }
}
