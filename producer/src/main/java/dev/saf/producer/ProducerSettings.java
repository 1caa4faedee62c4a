package dev.saf.producer;

import java.time.Duration;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * What {@code saf.producer.*} may say.
 *
 * @param maxBody the largest request body taken; larger ones are answered 413
 * @param readTimeout how long a client may take to send its request, first byte to last; then 408
 * @param maxInFlight how many events may wait for their acknowledgement at once; further ones are answered 503
 *     immediately
 * @param publishBudget how long an event is retried under its id before the answer is 503; also how long after losing
 *     NATS new events still wait for it to come back
 * @param attemptTimeout how long one attempt to publish waits for its acknowledgement
 */
record ProducerSettings(
        @DefaultValue("256KB") DataSize maxBody,
        @DefaultValue("10s") Duration readTimeout,
        @DefaultValue("2000") int maxInFlight,
        @DefaultValue("8s") Duration publishBudget,
        @DefaultValue("1500ms") Duration attemptTimeout) {

    /** A nats-server takes messages of at most 64 MB, whatever it is configured to. */
    private static final DataSize LARGEST_BODY = DataSize.ofMegabytes(64);

    ProducerSettings {
        if (maxBody.toBytes() < 1 || maxBody.compareTo(LARGEST_BODY) > 0) {
            throw new IllegalArgumentException("max-body: must be between 1B and 64MB, is " + maxBody);
        }
        // The client's outgoing queue holds 5,000 messages; an event must find room in it without waiting.
        if (maxInFlight < 1 || maxInFlight > 4000) {
            throw new IllegalArgumentException("max-in-flight: must be between 1 and 4000, is " + maxInFlight);
        }
        require("read-timeout", readTimeout, Duration.ofMinutes(5));
        require("publish-budget", publishBudget, Duration.ofSeconds(25));
        require("attempt-timeout", attemptTimeout, publishBudget);
    }

    private static void require(String name, Duration value, Duration most) {
        if (value.compareTo(Duration.ofMillis(100)) < 0 || value.compareTo(most) > 0) {
            throw new IllegalArgumentException(
                    "%s: must be between 100ms and %ds, is %dms".formatted(name, most.toSeconds(), value.toMillis()));
        }
    }
}
