package dev.saf.jetstream.check;

import java.time.Duration;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * {@code saf.check.*}: how a service is checked instead of run.
 *
 * @param timeout how long all of it may take
 * @param channels whether a destination that cannot be reached fails the check; or it is just told, since its events
 *     would wait
 */
public record CheckSettings(
        @DefaultValue("30s") Duration timeout,
        @DefaultValue("true") boolean channels) {

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if the time is not between a second and an hour
     */
    public CheckSettings {
        if (timeout.compareTo(Duration.ofSeconds(1)) < 0 || timeout.compareTo(Duration.ofHours(1)) > 0) {
            throw new IllegalArgumentException("timeout: must be between 1s and 1h, is " + timeout.toMillis() + "ms");
        }
    }
}
