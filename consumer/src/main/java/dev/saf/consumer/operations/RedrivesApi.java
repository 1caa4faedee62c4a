package dev.saf.consumer.operations;

import io.nats.client.JetStreamApiException;
import io.swagger.v3.oas.annotations.Operation;
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
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** Redrives, over HTTP. */
@RestController
@RequestMapping("/api/redrives")
@Tag(name = "dead letters")
final class RedrivesApi {

    private final Redrives redrives;

    RedrivesApi(Redrives redrives) {
        this.redrives = redrives;
    }

    /** How many dead letters there are. */
    record Matched(long count) {}

    @PostMapping
    @Operation(
            summary = "Sends the events of many dead letters to their own channels again, each once.",
            description = "Of those there are now. Goes on after a crash, in any process. With dry_run they are only"
                    + " counted.")
    @ApiResponse(
            responseCode = "202",
            description = "It has begun; Location is where to ask for it",
            content = @Content(schema = @Schema(implementation = RedriveView.class)))
    @ApiResponse(
            responseCode = "200",
            description = "With dry_run: how many there are",
            content = @Content(schema = @Schema(implementation = Matched.class)))
    ResponseEntity<Object> begin(@RequestBody RedriveRequest request) throws IOException, JetStreamApiException {
        double rate = request.checkedRate();
        redrives.check(request.filter());
        if (request.counted()) {
            return ResponseEntity.ok(new Matched(redrives.count(request.filter())));
        }
        RedriveView begun = redrives.begin(request.filter(), rate);
        return ResponseEntity.accepted()
                .location(URI.create("/api/redrives/" + begun.id()))
                .body(begun);
    }

    @GetMapping
    @Operation(
            summary = "Lists redrives, the youngest first.",
            description = "Those that have ended are forgotten after seven days.")
    Page<RedriveView> list(Paging paging) throws IOException {
        int size = paging.size();
        long from = paging.cursor() == null ? Long.MAX_VALUE : paging.from("redrives");
        List<RedriveView> found = redrives.all().stream()
                .filter(each -> Jobs.number(each.id()) <= from)
                .limit(size + 1L)
                .toList();
        return found.size() <= size
                ? new Page<>(found, null)
                : new Page<>(
                        found.subList(0, size),
                        Paging.cursor(Jobs.number(found.get(size).id()), "redrives"));
    }

    @GetMapping("/{id}")
    @Operation(summary = "Tells how far a redrive has come.")
    RedriveView get(@PathVariable String id) throws IOException {
        return existing(id, redrives.get(checked(id)));
    }

    @DeleteMapping("/{id}")
    @Operation(
            summary = "Cancels a redrive.",
            description = "What has been sent is sent; within about a second nothing more is.")
    RedriveView cancel(@PathVariable String id) throws IOException {
        return existing(id, redrives.cancel(checked(id)));
    }

    /** An id is part of a key, where not everything is allowed. */
    private static String checked(String id) {
        if (!id.matches("[a-z0-9]{1,13}")) {
            throw unknown(id);
        }
        return id;
    }

    private static RedriveView existing(String id, @Nullable RedriveView found) {
        if (found == null) {
            throw unknown(id);
        }
        return found;
    }

    private static RefusedException unknown(String id) {
        return RefusedException.notFound("There is no redrive " + id + ", or it ended more than seven days ago.");
    }
}
