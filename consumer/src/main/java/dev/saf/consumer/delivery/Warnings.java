package dev.saf.consumer.delivery;

import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the log what becomes of a channel's events that do not get through at once; not of each when they are many. */
final class Warnings {

    private static final Logger log = LoggerFactory.getLogger(Warnings.class);

    private final LogLimit limit = new LogLimit(10, Duration.ofSeconds(10));

    void warn(Delivery delivery, String what, String error) {
        long unsaid = limit.allow(System.nanoTime());
        if (unsaid >= 0) {
            log.warn(
                    "channel {}: event {} on {} {}, handed out {} times: {}{}",
                    delivery.source.name(),
                    delivery.position.sequence(),
                    delivery.message().getSubject(),
                    what,
                    delivery.position.deliveries(),
                    error,
                    unsaid == 0 ? "" : " (and " + unsaid + " more such lines not shown)");
        }
    }
}
