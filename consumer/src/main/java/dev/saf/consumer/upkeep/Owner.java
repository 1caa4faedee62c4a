package dev.saf.consumer.upkeep;

import dev.saf.jetstream.Streams;
import java.util.Collection;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Whose a durable is, which its name says.
 *
 * @param replay which of the channel's replays, null if none
 */
record Owner(String channel, @Nullable String replay) {

    private static final String CHANNEL = "saf-([a-z][a-z0-9-]{0,30})";
    private static final Pattern EVENTS = Pattern.compile(CHANNEL);
    private static final Pattern REPLAY = Pattern.compile(CHANNEL + "-replay-([A-Za-z0-9_-]+)");
    private static final Pattern DUE = Pattern.compile(CHANNEL + "-due");

    /**
     * Null if it is nobody's of ours.
     *
     * @param configured channels, which are meant if a name could mean two
     */
    static @Nullable Owner of(String stream, String consumer, Collection<String> configured) {
        return switch (stream) {
            case Streams.LATER -> {
                Matcher due = DUE.matcher(consumer);
                yield due.matches() ? new Owner(due.group(1), null) : null;
            }
            case Streams.EVENTS -> {
                Matcher events = EVENTS.matcher(consumer);
                Matcher replay = REPLAY.matcher(consumer);
                boolean plain = events.matches();
                if (replay.matches() && !(plain && configured.contains(events.group(1)))) {
                    yield new Owner(replay.group(1), replay.group(2));
                }
                yield plain ? new Owner(events.group(1), null) : null;
            }
            default -> null;
        };
    }
}
