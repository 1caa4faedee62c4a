package dev.saf.jetstream;

import java.time.Duration;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * {@code saf.streams.*}: the streams.
 *
 * @param events the stream {@code events}
 * @param deadLetters the stream {@code dead-letters}
 * @param checkInterval how often the streams are compared with what is asked for here, besides at the start and after
 *     each interruption
 */
public record StreamsSettings(
        @DefaultValue EventStreamSettings events,
        @DefaultValue DeadLetterStreamSettings deadLetters,
        @DefaultValue("1m") Duration checkInterval) {

    /**
     * Checks the interval.
     *
     * @throws IllegalArgumentException if it is shorter than a second
     */
    public StreamsSettings {
        if (checkInterval.compareTo(Duration.ofSeconds(1)) < 0) {
            throw new IllegalArgumentException("check-interval: must be at least 1s, is " + checkInterval);
        }
    }

    StreamSettings stream(String name) {
        return switch (name) {
            case Streams.EVENTS -> events;
            case Streams.DEAD_LETTERS -> deadLetters;
            default -> throw new IllegalArgumentException("there is no stream " + name);
        };
    }
}
