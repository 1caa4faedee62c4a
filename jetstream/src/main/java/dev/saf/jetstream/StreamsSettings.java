package dev.saf.jetstream;

import dev.saf.jetstream.StreamSettings.Storage;
import io.nats.client.api.StreamConfiguration;
import java.time.Duration;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * {@code saf.streams.*}: the streams.
 *
 * @param events the stream {@code events}
 * @param deadLetters the stream {@code dead-letters}
 * @param later the stream {@code later}
 * @param state the stream {@code KV_saf}
 * @param advisories the stream {@code advisories}
 * @param checkInterval how often the streams are compared with what is asked for here, besides at the start and after
 *     each interruption
 */
public record StreamsSettings(
        @DefaultValue EventStreamSettings events,
        @DefaultValue DeadLetterStreamSettings deadLetters,
        @DefaultValue LaterStreamSettings later,
        @DefaultValue StateStreamSettings state,
        @DefaultValue AdvisoryStreamSettings advisories,
        @DefaultValue("1m") Duration checkInterval) {

    /**
     * Checks the interval, and the streams against each other.
     *
     * @throws IllegalArgumentException if the interval is shorter than a second, or a combination would break a promise
     */
    public StreamsSettings {
        if (checkInterval.compareTo(Duration.ofSeconds(1)) < 0) {
            throw new IllegalArgumentException("check-interval: must be at least 1s, is " + checkInterval);
        }
        checkStorage("later", later, events, "loses parked retries");
        checkStorage("state", state, events, "forgets which channels are paused");
    }

    /** A stream as it is to be created. */
    StreamConfiguration configuration(String stream) {
        return switch (stream) {
            case Streams.EVENTS -> events.configuration();
            case Streams.DEAD_LETTERS -> deadLetters.configuration();
            case Streams.LATER -> later.configuration(events);
            case Streams.STATE -> state.configuration(events);
            case Streams.ADVISORIES -> advisories.configuration(events);
            default -> throw new IllegalArgumentException("there is no stream " + stream);
        };
    }

    private static void checkStorage(
            String key, WorkingStreamSettings stream, EventStreamSettings events, String harm) {
        if (stream.storage(events) == Storage.MEMORY && stream.replicas(events) < 3) {
            throw new IllegalArgumentException(key + ".storage: memory needs at least 3 replicas, else one restart of"
                    + " nats-server " + harm + "; use file");
        }
    }
}
