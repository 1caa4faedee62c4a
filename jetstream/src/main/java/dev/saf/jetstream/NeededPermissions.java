package dev.saf.jetstream;

import java.util.List;

/**
 * What a service must be allowed to do in NATS, besides looking at its streams, creating those that are missing, and
 * getting answers. Each is a subject, which may have wildcards; in {@code subscribe} the name of a queue group may
 * follow after a space.
 *
 * @param publish to publish or ask something there
 * @param subscribe to subscribe to
 * @param optional to publish or ask something there, for what not everybody wants
 * @param without what does not work without those, as a sentence
 */
public record NeededPermissions(List<String> publish, List<String> subscribe, List<String> optional, String without) {

    /** Keeps copies. */
    public NeededPermissions {
        publish = List.copyOf(publish);
        subscribe = List.copyOf(subscribe);
        optional = List.copyOf(optional);
    }

    /** Of a service that can do with less in no way, and subscribes to nothing but answers. */
    public static NeededPermissions toPublish(String... subjects) {
        return new NeededPermissions(List.of(subjects), List.of(), List.of(), "");
    }
}
