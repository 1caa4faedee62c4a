package dev.saf.consumer.operations;

import dev.saf.consumer.delivery.ConfiguredChannel;
import dev.saf.consumer.delivery.Intake;
import java.util.List;
import java.util.SequencedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The channels as they are configured now. */
final class KnownChannels {

    private final SequencedMap<String, ConfiguredChannel> all = new TreeMap<>();

    KnownChannels(List<ConfiguredChannel> all) {
        all.forEach(each -> this.all.put(each.name(), each));
    }

    boolean has(@Nullable String name) {
        return name != null && all.containsKey(name);
    }

    /** Why nothing can be sent to a channel again, as a sentence; null if it can. */
    @Nullable
    String problem(String name) {
        ConfiguredChannel channel = all.get(name);
        if (channel == null) {
            return "No channel " + name + " is configured, so its events have nowhere to go; configure it again, or"
                    + " delete its dead letters.";
        }
        return channel.intake().mode() == Intake.Mode.CORE
                ? "The channel " + name + " has mode: core and gets only what is published while it listens, so nothing"
                        + " can be sent to it again."
                : null;
    }
}
