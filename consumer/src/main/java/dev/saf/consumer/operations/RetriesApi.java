package dev.saf.consumer.operations;

import dev.saf.consumer.ledger.ParkedEvents;
import dev.saf.consumer.ledger.ParkedEvents.Waiting;
import dev.saf.consumer.ledger.Parking;
import dev.saf.consumer.ledger.StreamReader.Stop;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Events that are parked until their next attempt, over HTTP. */
@RestController
@RequestMapping("/api/retries")
@Tag(name = "retries")
final class RetriesApi {

    private static final Pattern ID =
            Pattern.compile("[a-z][a-z0-9-]{0,30}\\.\\d{1,19}\\.[0-9a-z-]{1,60}\\.[0-9a-z-]{1,60}");
    private static final Pattern CHANNEL = Pattern.compile("[a-z][a-z0-9-]{0,30}");

    private final ParkedEvents parked;
    private final KnownChannels channels;

    RetriesApi(ParkedEvents parked, KnownChannels channels) {
        this.parked = parked;
        this.channels = channels;
    }

    @GetMapping
    @Operation(summary = "Lists events that wait for their next attempt for longer, in the order they were parked.")
    Page<RetryItem> list(
            @Parameter(description = "Of this channel only") @RequestParam(required = false) @Nullable String channel,
            Paging paging)
            throws IOException {
        int size = paging.size();
        String filter = "retries " + channel;
        long from = paging.from(filter);
        requireKnown(channel);
        List<RetryItem> items = new ArrayList<>();
        Stop stop = parked.list(channel, from, size, waiting -> items.add(RetryItem.of(waiting)));
        return new Page<>(items, stop.complete() ? null : Paging.cursor(stop.next(), filter));
    }

    @PostMapping("/{id}/now")
    @ResponseStatus(HttpStatus.ACCEPTED)
    @Operation(
            summary = "Makes a parked event due now.",
            description = "Its channel gets it once, also if its time comes in this very moment: then this is answered"
                    + " 409.")
    RetryItem now(@PathVariable String id) throws IOException {
        Waiting waiting = find(id);
        if (!parked.sendNow(waiting)) {
            throw tooLate();
        }
        return RetryItem.of(waiting);
    }

    @DeleteMapping("/{id}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(
            summary = "Cancels a parked event: its channel does not get it any more.",
            description = "If its time comes in this very moment, this is answered 409.")
    void cancel(@PathVariable String id) throws IOException {
        if (!parked.cancel(find(id), Instant.now())) {
            throw tooLate();
        }
    }

    private Waiting find(String id) throws IOException {
        if (ID.matcher(id).matches()) {
            Waiting waiting = parked.find(Parking.at(Parking.DUE + id));
            if (waiting != null) {
                return waiting;
            }
            if (parked.isDue(Parking.DUE + id)) {
                throw tooLate();
            }
        }
        throw RefusedException.notFound("There is no such retry; GET /api/retries lists those there are.");
    }

    private static RefusedException tooLate() {
        return RefusedException.conflict("It is due already, or somebody was faster.");
    }

    private void requireKnown(@Nullable String channel) throws IOException {
        if (channel != null
                && !channels.has(channel)
                && !(CHANNEL.matcher(channel).matches() && parked.hasAny(channel))) {
            throw RefusedException.notFound(
                    "There is no channel of this name: none is configured, and none has left retries.");
        }
    }
}
