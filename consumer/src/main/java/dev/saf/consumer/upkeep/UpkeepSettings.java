package dev.saf.consumer.upkeep;

import java.time.Duration;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * {@code saf.upkeep.*}: how house is kept on the streams.
 *
 * @param interval how often the streams are looked at for something to do
 * @param trimAbove which part of its limits the stream {@code events} may use before delivered events are purged; 1 for
 *     never
 */
record UpkeepSettings(
        @DefaultValue("10s") Duration interval,
        @DefaultValue("0.8") double trimAbove) {

    /** By how much is trimmed, so that it is not to be done again at once. */
    private static final double STEP = 0.1;

    private static final Duration SHORTEST = Duration.ofMillis(100);
    private static final Duration LONGEST = Duration.ofHours(1);

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException as {@code key: what is wrong and what is allowed}
     */
    public UpkeepSettings {
        if (interval.compareTo(SHORTEST) < 0 || interval.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "interval: must be between 100ms and 1h, is " + interval.toMillis() + "ms");
        }
        if (!(trimAbove >= 0.2 && trimAbove <= 1)) {
            throw new IllegalArgumentException("trim-above: must be between 0.2 and 1, is " + trimAbove);
        }
    }

    /** Down to which part of its limits the stream is trimmed. */
    double trimTo() {
        return trimAbove - STEP;
    }
}
