package dev.saf.consumer.ledger;

import dev.saf.jetstream.NatsConnection;
import dev.saf.jetstream.Streams;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamOptions;
import io.nats.client.KeyValue;
import io.nats.client.KeyValueOptions;
import io.nats.client.PurgeOptions;
import io.nats.client.api.KeyValueEntry;
import io.nats.client.api.StreamInfoOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The few facts that all processes of the consumer share, as JSON in the key-value bucket {@code saf}.
 *
 * <p>A key is made of tokens with dots between, such as {@code channel.billing}. Each change gives its key a new
 * revision, larger than any before. With several replicas what is read may be a little old, even older than the
 * reader's own last change, since any of them may answer; but a change that names the revision it is based on happens
 * only if that is still the last one, so nobody acts on what is old by mistake.
 *
 * <p>Nothing here waits for longer than two seconds for an answer. An {@link IOException} after a change leaves open
 * whether it has happened.
 */
public final class SharedState {

    private static final int WRONG_REVISION = 10071;

    /** On replicas: another change of the same key is under way. */
    private static final int REVISION_UNDER_WAY = 10164;

    private static final JetStreamOptions OPTIONS =
            JetStreamOptions.builder().requestTimeout(Duration.ofSeconds(2)).build();
    private static final JsonMapper JSON = JsonMapper.shared();

    private final NatsConnection nats;
    private volatile @Nullable Bucket opened;

    public SharedState(NatsConnection nats) {
        this.nats = nats;
    }

    /**
     * What is known under a key.
     *
     * @param value JSON
     * @param revision of the last change
     * @param created when that was, by the server's clock
     */
    public record Entry(String key, String value, long revision, Instant created) {

        /**
         * The value as an object.
         *
         * @throws IOException if it is not one of this type
         */
        public <T> T as(Class<T> type) throws IOException {
            try {
                return JSON.readValue(value, type);
            } catch (JacksonException e) {
                throw new IOException(
                        "shared state: the value of %s is not understood: %s".formatted(key, e.getOriginalMessage()),
                        e);
            }
        }
    }

    private record Bucket(Connection connection, KeyValue values) {}

    @FunctionalInterface
    private interface Work<T> {
        T on(Bucket bucket) throws IOException, JetStreamApiException;
    }

    /** What is known under a key, null if nothing. */
    public @Nullable Entry get(String key) throws IOException {
        KeyValueEntry entry = work(
                        "read " + key,
                        bucket -> Optional.ofNullable(bucket.values().get(key)))
                .orElse(null);
        byte[] value = entry == null ? null : entry.getValue();
        return entry == null || value == null
                ? null
                : new Entry(
                        key,
                        new String(value, StandardCharsets.UTF_8),
                        entry.getRevision(),
                        entry.getCreated().toInstant());
    }

    /**
     * Sets what is not there yet.
     *
     * @param value a record, or whatever else can be written as JSON
     * @return the revision; empty if there is something under this key already
     */
    public OptionalLong create(String key, Object value) throws IOException {
        return unlessSomebodyWasFaster(
                "create " + key, bucket -> bucket.values().create(key, json(value)));
    }

    /**
     * Replaces a revision.
     *
     * @return the new revision; empty if the given one is not the last any more
     */
    public OptionalLong update(String key, Object value, long revision) throws IOException {
        return unlessSomebodyWasFaster(
                "update " + key, bucket -> bucket.values().update(key, json(value), revision));
    }

    /** Sets what is there or not, and returns the revision. */
    public long put(String key, Object value) throws IOException {
        return work("set " + key, bucket -> bucket.values().put(key, json(value)));
    }

    /** Removes whatever is there, and returns whether something was. Leaves nothing behind. */
    public boolean delete(String key) throws IOException {
        return purge(key, PurgeOptions.builder());
    }

    /** Removes a revision, and returns whether it was there; a later one stays. */
    public boolean delete(String key, long revision) throws IOException {
        return purge(key, PurgeOptions.builder().sequence(revision + 1));
    }

    /**
     * The keys that begin with some tokens, in alphabetical order. With some that somebody has deleted with the tool
     * {@code nats}; nothing is known under these.
     *
     * @param prefix whole tokens with a dot after each, such as {@code channel.}; empty for all
     */
    public List<String> keys(String prefix) throws IOException {
        if (!prefix.isEmpty() && !prefix.endsWith(".")) {
            throw new IllegalArgumentException("a prefix ends with a dot, and this one does not: " + prefix);
        }
        return work(
                        "list " + prefix + ">",
                        bucket -> bucket.connection()
                                .jetStreamManagement(OPTIONS)
                                .getStreamInfo(Streams.STATE, StreamInfoOptions.filterSubjects(subject(prefix + ">")))
                                .getStreamState()
                                .getSubjects())
                .stream()
                .map(subject -> subject.getName().substring(subject("").length()))
                .sorted()
                .toList();
    }

    /** Not the bucket's own way, which leaves a mark behind for every key there ever was. */
    private boolean purge(String key, PurgeOptions.Builder what) throws IOException {
        return work(
                "delete " + key,
                bucket -> bucket.connection()
                                .jetStreamManagement(OPTIONS)
                                .purgeStream(
                                        Streams.STATE,
                                        what.subject(subject(key)).build())
                                .getPurged()
                        > 0);
    }

    private OptionalLong unlessSomebodyWasFaster(String what, Work<Long> change) throws IOException {
        return work(what, bucket -> {
            try {
                return OptionalLong.of(change.on(bucket));
            } catch (JetStreamApiException e) {
                if (e.getApiErrorCode() == WRONG_REVISION || e.getApiErrorCode() == REVISION_UNDER_WAY) {
                    return OptionalLong.empty();
                }
                throw e;
            }
        });
    }

    private <T> T work(String what, Work<T> work) throws IOException {
        try {
            return work.on(bucket());
        } catch (JetStreamApiException | IOException | IllegalStateException e) {
            throw new IOException("shared state: could not %s: %s".formatted(what, e.getMessage()), e);
        }
    }

    /** To open a bucket asks the server whether it is there; once is enough. */
    private Bucket bucket() throws IOException {
        Connection connection = Publishing.connection(nats);
        Bucket bucket = opened;
        if (bucket == null || !bucket.connection().equals(connection)) {
            bucket = new Bucket(
                    connection,
                    connection.keyValue(
                            Streams.BUCKET,
                            KeyValueOptions.builder().jetStreamOptions(OPTIONS).build()));
            opened = bucket;
        }
        return bucket;
    }

    private static byte[] json(Object value) {
        return JSON.writeValueAsBytes(value);
    }

    private static String subject(String key) {
        return "$KV." + Streams.BUCKET + "." + key;
    }
}
