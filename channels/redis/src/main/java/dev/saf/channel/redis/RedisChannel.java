package dev.saf.channel.redis;

import dev.saf.channel.Channel;
import dev.saf.channel.RejectedEventException;
import dev.saf.channel.Template;
import dev.saf.event.CloudEvents;
import dev.saf.event.Event;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.params.XAddParams;

/**
 * Appends each event to a stream and waits for the id of its entry, which the server gives when it has written the
 * event to its own log, as far as that is configured there. An entry has a field for each attribute of the CloudEvent,
 * {@code datacontenttype}, and {@code data}: the payload's bytes.
 */
final class RedisChannel implements Channel {

    private final RedisClient client;
    private final Template key;
    private final @Nullable Long maxLength;
    private final @Nullable Duration maxAge;

    RedisChannel(RedisSettings settings, RedisClient client) {
        this.client = client;
        this.key = Template.of("key", Objects.requireNonNull(settings.key()));
        this.maxLength = settings.maxLength();
        this.maxAge = settings.maxAge();
    }

    @Override
    public void deliver(Event event) throws Exception {
        String stream = key.fill(event);
        if (stream.isEmpty()) {
            throw new RejectedEventException("the event makes an empty key");
        }
        ask(() -> client.xadd(bytes(stream), trimming(), fields(event)));
    }

    /** Connects as the user, and asks for nothing. */
    @Override
    public void check() throws Exception {
        ask(client::ping);
    }

    private void ask(Supplier<Object> question) throws Exception {
        try {
            var _ = question.get();
        } catch (JedisConnectionException e) {
            // The others that wait to be used go to the same server: it may have been restarted.
            client.getPool().clear();
            throw new IOException("the server cannot be reached or has not confirmed: " + reason(e), e);
        } catch (JedisDataException e) {
            throw refused(e);
        } catch (JedisException e) {
            throw new IOException("the server cannot be reached or has not confirmed: " + reason(e), e);
        }
    }

    /** Redis begins its errors with a code. */
    private static Exception refused(JedisDataException e) {
        String message = String.valueOf(e.getMessage());
        // The key is something else than a stream, or not this user's. A command may not be this user's either, which
        // is
        // no fault of the event.
        return message.startsWith("WRONGTYPE ") || (message.startsWith("NOPERM ") && message.contains(" key"))
                ? new RejectedEventException("the server refuses the event: " + message)
                : new IOException("the server refuses: " + message, e);
    }

    private XAddParams trimming() {
        XAddParams parameters = new XAddParams();
        Long length = maxLength;
        Duration age = maxAge;
        if (length != null) {
            parameters.maxLen(length).approximateTrimming();
        } else if (age != null) {
            long oldest = InstantSource.system().millis() - age.toMillis();
            parameters.minId(String.valueOf(Math.max(0, oldest))).approximateTrimming();
        }
        return parameters;
    }

    /** Nobody looks anything up in there: XADD takes pairs, and the client calls them a map. */
    @SuppressWarnings("ArrayAsKeyOfSetOrMap")
    private static Map<byte[], byte[]> fields(Event event) {
        Map<byte[], byte[]> fields = new LinkedHashMap<>();
        CloudEvents.attributes(event).forEach((name, value) -> fields.put(bytes(name), bytes(value)));
        @Nullable String contentType = event.payload().contentType();
        if (contentType != null) {
            fields.put(bytes("datacontenttype"), bytes(contentType));
        }
        fields.put(bytes("data"), event.payload().bytes());
        return fields;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The last cause says most. */
    private static String reason(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    }

    @Override
    public void close() {
        client.close();
    }
}
