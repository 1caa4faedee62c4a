package dev.saf.consumer.delivery;

import dev.saf.event.CloudEvents;
import dev.saf.event.InvalidEventException;
import dev.saf.event.WireFormat;
import io.nats.client.impl.Headers;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the events have in common that are delivered one after another.
 *
 * @param by {@code subject}, {@code id}, or the name of an attribute
 */
record OrderingKey(String by) {

    static final String SUBJECT = "subject";

    /**
     * The key of an event, null if it has none, or is no event.
     *
     * @param natsSubject the one it was published on
     */
    @Nullable
    String of(String natsSubject, @Nullable Headers headers) {
        if (by.equals(SUBJECT)) {
            return natsSubject.startsWith(WireFormat.SUBJECT_PREFIX)
                    ? natsSubject.substring(WireFormat.SUBJECT_PREFIX.length())
                    : null;
        }
        List<String> values = headers == null ? null : headers.getIgnoreCase("ce-" + by);
        if (values == null || values.isEmpty()) {
            return null;
        }
        try {
            // Not all clients encode alike.
            return CloudEvents.decode(by, values.getFirst());
        } catch (InvalidEventException e) {
            return null;
        }
    }
}
