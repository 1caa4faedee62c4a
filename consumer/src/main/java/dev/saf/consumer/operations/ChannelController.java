package dev.saf.consumer.operations;

import dev.saf.channel.ChannelType;
import dev.saf.consumer.delivery.ChannelStatus;
import dev.saf.consumer.delivery.RunningChannel;
import dev.saf.consumer.delivery.RunningChannels;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/** How the channels are, and whether they may deliver. */
@RestController
@Tag(name = "channels")
final class ChannelController {

    private final RunningChannels channels;

    ChannelController(RunningChannels channels) {
        this.channels = channels;
    }

    @GetMapping("/api/channels")
    @Operation(summary = "Tells how every configured channel is.")
    Page<ChannelStatus> all() throws IOException {
        List<ChannelStatus> all = new ArrayList<>();
        for (RunningChannel each : channels.all()) {
            all.add(each.status());
        }
        return new Page<>(all, null);
    }

    @GetMapping("/api/channel-types")
    @Operation(
            summary = "Tells which types of channels there are, and how each is configured.",
            description = "Beside these settings, all channels have some in common. Values are never told.")
    Page<ChannelTypeItem> types() {
        return new Page<>(ChannelType.all().stream().map(ChannelTypeItem::of).toList(), null);
    }

    @GetMapping("/api/channels/{channel}")
    @Operation(
            summary = "Tells how a channel is.",
            description = "What is stored counts for all processes, as of some seconds ago; deliveries, rates and the"
                    + " last error are those of the process that answers.")
    ChannelStatus one(@PathVariable("channel") String name) throws IOException {
        return channel(name).status();
    }

    @PostMapping("/api/channels/{channel}/pause")
    @Operation(
            summary = "Pauses a channel: no deliveries to it from now on.",
            description =
                    "In all processes within a second or two, and across restarts, until it is resumed. Its events"
                            + " are kept. Nothing changes if it is paused already.")
    ChannelStatus pause(@PathVariable("channel") String name) throws IOException {
        RunningChannel channel = channel(name);
        channel.pause();
        return channel.status();
    }

    @PostMapping("/api/channels/{channel}/resume")
    @Operation(summary = "Ends a pause.", description = "In all processes. Nothing changes if it is not paused.")
    ChannelStatus resume(@PathVariable("channel") String name) throws IOException {
        RunningChannel channel = channel(name);
        channel.resume();
        return channel.status();
    }

    private RunningChannel channel(String name) {
        return channel(channels, name);
    }

    /**
     * The channel of a name.
     *
     * @throws RefusedException if there is none
     */
    static RunningChannel channel(RunningChannels channels, String name) {
        RunningChannel channel = channels.find(name);
        if (channel == null) {
            throw RefusedException.notFound("There is no channel of this name; configured are "
                    + channels.all().stream().map(RunningChannel::name).collect(Collectors.joining(", ")) + ".");
        }
        return channel;
    }
}
