package dev.saf.jetstream;

import java.util.List;

/**
 * The streams a service looks after; one that is not named is neither created nor asked about, so that the service
 * needs no permission for it.
 *
 * @param names among the constants of {@link Streams}
 */
public record NeededStreams(List<String> names) {

    /** Keeps a copy. */
    public NeededStreams {
        names = List.copyOf(names);
    }
}
