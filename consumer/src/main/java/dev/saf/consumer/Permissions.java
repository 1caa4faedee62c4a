package dev.saf.consumer;

import dev.saf.consumer.delivery.Channels;
import dev.saf.consumer.delivery.ConfiguredChannel;
import dev.saf.consumer.delivery.Intake;
import dev.saf.event.WireFormat;
import dev.saf.jetstream.NeededPermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What the consumer needs to be allowed in NATS: what {@code deployments/nats/permissions} prints for its channels.
 * What that prints without channels is more, for what takes consumers with names of their own.
 */
final class Permissions {

    /** Whatever the channels are. */
    private static final List<String> ALWAYS = List.of(
            WireFormat.SUBJECT_PREFIX + "saf-probe",
            "dead-letters.>",
            "later.>",
            "$KV.saf.>",
            "$JS.API.STREAM.NAMES",
            "$JS.API.STREAM.PURGE.events",
            "$JS.API.STREAM.PURGE.later",
            "$JS.API.STREAM.PURGE.KV_saf",
            "$JS.API.STREAM.MSG.DELETE.dead-letters",
            "$JS.API.DIRECT.GET.KV_saf.>",
            "$JS.API.STREAM.MSG.GET.events",
            "$JS.API.STREAM.MSG.GET.dead-letters",
            "$JS.API.STREAM.MSG.GET.later",
            "$JS.API.CONSUMER.NAMES.events",
            "$JS.API.CONSUMER.LIST.events",
            "$JS.API.CONSUMER.INFO.events.*",
            "$JS.API.CONSUMER.NAMES.later",
            "$JS.API.CONSUMER.LIST.later",
            "$JS.API.CONSUMER.INFO.later.*",
            "$JS.ACK.later.*.>",
            "$JS.API.CONSUMER.INFO.advisories.saf-advisories",
            "$JS.API.CONSUMER.CREATE.advisories.saf-advisories",
            "$JS.API.CONSUMER.MSG.NEXT.advisories.saf-advisories",
            "$JS.ACK.advisories.saf-advisories.>");

    private Permissions() {}

    static NeededPermissions of(Channels channels) {
        List<String> publish = new ArrayList<>(ALWAYS);
        publish.addAll(readers("dead-letters"));
        publish.addAll(readers("later"));
        List<String> subscribe = new ArrayList<>();
        for (ConfiguredChannel channel : channels.all()) {
            String durable = "saf-" + channel.name();
            if (channel.intake().mode() == Intake.Mode.STREAM) {
                publish.addAll(durables(durable));
            } else {
                channel.settings()
                        .subjects()
                        .forEach(subject -> subscribe.add(WireFormat.SUBJECT_PREFIX + subject + " " + durable));
            }
        }
        return new NeededPermissions(
                publish,
                subscribe,
                Stream.concat(
                                readers("events").stream(),
                                Stream.of("$JS.API.CONSUMER.DURABLE.CREATE.events.*", "$JS.ACK.events.*.>"))
                        .toList(),
                "there are no replays, no deletion of durables, and no search for events beyond the duplicate window");
    }

    private static List<String> durables(String durable) {
        return List.of(
                "$JS.API.CONSUMER.CREATE.events." + durable,
                "$JS.API.CONSUMER.CREATE.events." + durable + ".>",
                "$JS.API.CONSUMER.DURABLE.CREATE.events." + durable,
                "$JS.API.CONSUMER.MSG.NEXT.events." + durable,
                "$JS.ACK.events." + durable + ".>");
    }

    private static List<String> readers(String stream) {
        return List.of(
                "$JS.API.CONSUMER.CREATE." + stream,
                "$JS.API.CONSUMER.CREATE." + stream + ".*",
                "$JS.API.CONSUMER.CREATE." + stream + ".*.>",
                "$JS.API.CONSUMER.MSG.NEXT." + stream + ".*",
                "$JS.API.CONSUMER.DELETE." + stream + ".*");
    }
}
