package dev.saf.consumer.ledger;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Why an event became a dead letter. */
public enum Reason {
    /** The message is no event. */
    UNDECODABLE,
    /** The channel said never. */
    REJECTED,
    /** Every attempt failed. */
    GAVE_UP,
    /** The process died each time while it delivered this event alone. */
    CRASH_LOOP,
    /** The stream was about to drop it for its age. */
    EXPIRING,
    /** Somebody gave the durable a limit of deliveries, and the server stopped to hand it out. */
    MAX_DELIVERIES,
    /** Somebody terminated its delivery. */
    TERMINATED;

    /** As in headers, metrics and the HTTP API. */
    public String tag() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The reason of a tag, empty if there is none. */
    public static Optional<Reason> of(String tag) {
        return Arrays.stream(values())
                .filter(reason -> reason.tag().equals(tag))
                .findFirst();
    }

    /** All tags, for sentences about them. */
    public static List<String> tags() {
        return Arrays.stream(values()).map(Reason::tag).toList();
    }
}
