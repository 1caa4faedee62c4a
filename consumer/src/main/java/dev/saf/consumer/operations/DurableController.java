package dev.saf.consumer.operations;

import io.nats.client.JetStreamApiException;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** What is left on the streams of channels that are configured no more. */
@RestController
@Tag(name = "durables")
final class DurableController {

    private final UnconfiguredDurables durables;

    DurableController(UnconfiguredDurables durables) {
        this.durables = durables;
    }

    @GetMapping("/api/durables")
    @Operation(summary = "Lists durables that belong to no channel configured here, and what they still hold.")
    Page<UnconfiguredDurable> list() throws IOException, JetStreamApiException {
        List<UnconfiguredDurable> all = durables.all();
        return new Page<>(all, null);
    }

    @DeleteMapping("/api/durables/{name}")
    @Operation(summary = "Deletes such a durable, and with it the memory of what it has had; answers what it was.")
    UnconfiguredDurable delete(
            @PathVariable String name,
            @Parameter(description = "events or later, where both have one of this name")
                    @RequestParam(required = false)
                    @Nullable
                    String stream)
            throws IOException, JetStreamApiException {
        return durables.delete(name, stream);
    }
}
