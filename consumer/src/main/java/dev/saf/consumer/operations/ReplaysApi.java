package dev.saf.consumer.operations;

import dev.saf.consumer.delivery.Replay;
import dev.saf.consumer.delivery.RunningChannel;
import dev.saf.consumer.delivery.RunningChannels;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Replays, over HTTP. */
@RestController
@Tag(name = "replays")
final class ReplaysApi {

    private final RunningChannels channels;
    private final Replays replays;

    ReplaysApi(RunningChannels channels, Replays replays) {
        this.channels = channels;
        this.replays = replays;
    }

    /** How many events there are. */
    record Counted(long count) {}

    @PostMapping("/api/channels/{channel}/replays")
    @Operation(
            summary = "Offers events to a channel once more.",
            description = "From a sequence or a time, until another one or the last event there is now. No other"
                    + " channel gets them. Each has the extension safreplay, the id of the replay; those that fail are"
                    + " retried, parked and become dead letters like others. With dry_run they are only counted.")
    @ApiResponse(
            responseCode = "202",
            description = "It has begun; Location is where to ask for it",
            content = @Content(schema = @Schema(implementation = ReplayView.class)))
    @ApiResponse(
            responseCode = "200",
            description = "With dry_run: how many there are",
            content = @Content(schema = @Schema(implementation = Counted.class)))
    ResponseEntity<Object> begin(@PathVariable String channel, @RequestBody ReplayRequest request) throws IOException {
        RunningChannel found = ChannelController.channel(channels, channel);
        Replay replay = replays.find(found, request);
        if (Boolean.TRUE.equals(request.dryRun())) {
            return ResponseEntity.ok(new Counted(replays.count(replay)));
        }
        ReplayView begun = replays.begin(found, replay);
        return ResponseEntity.accepted()
                .location(URI.create("/api/replays/" + begun.id()))
                .body(begun);
    }

    @GetMapping("/api/replays")
    @Operation(
            summary = "Lists replays, the youngest first.",
            description = "Those that have ended are forgotten after seven days.")
    Page<ReplayView> list(
            @Parameter(description = "Of this channel only") @RequestParam(required = false) @Nullable String channel,
            Paging paging)
            throws IOException {
        if (channel != null) {
            var _ = ChannelController.channel(channels, channel);
        }
        String filter = "replays " + channel;
        int size = paging.size();
        long from = paging.cursor() == null ? Long.MAX_VALUE : paging.from(filter);
        List<ReplayView> found = replays.list(channel, from, size + 1);
        return found.size() <= size
                ? new Page<>(found, null)
                : new Page<>(
                        found.subList(0, size),
                        Paging.cursor(Jobs.number(found.get(size).id()), filter));
    }

    @GetMapping("/api/replays/{id}")
    @Operation(summary = "Tells how far a replay has come.")
    ReplayView get(@PathVariable String id) throws IOException {
        return existing(id, replays.get(checked(id)));
    }

    @DeleteMapping("/api/replays/{id}")
    @Operation(
            summary = "Cancels a replay.",
            description = "Within about a second nothing more of it is offered. Events of it that are parked already"
                    + " come once more, unless they are cancelled among the retries.")
    ReplayView cancel(@PathVariable String id) throws IOException {
        return existing(id, replays.cancel(checked(id)));
    }

    /** An id is part of a key, where not everything is allowed. */
    private static String checked(String id) {
        if (!id.matches("[a-z0-9]{1,13}")) {
            throw unknown(id);
        }
        return id;
    }

    private static ReplayView existing(String id, @Nullable ReplayView found) {
        if (found == null) {
            throw unknown(id);
        }
        return found;
    }

    private static RefusedException unknown(String id) {
        return RefusedException.notFound("There is no replay " + id + ", or it ended more than seven days ago.");
    }
}
