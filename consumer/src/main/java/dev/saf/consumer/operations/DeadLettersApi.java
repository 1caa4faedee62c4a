package dev.saf.consumer.operations;

import dev.saf.consumer.ledger.DeadLetter;
import dev.saf.consumer.ledger.DeadLetters;
import dev.saf.consumer.ledger.Redrive;
import dev.saf.consumer.ledger.StreamReader.Stop;
import io.nats.client.JetStreamApiException;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Events that no channel took. */
@RestController
@RequestMapping("/api/dead-letters")
@Tag(name = "dead letters")
final class DeadLettersApi {

    /** How many are looked through for one part of a list. */
    private static final int MOST_READ = 20_000;

    private final DeadLetters letters;
    private final Redrive redrive;
    private final KnownChannels channels;
    private final RedriveMetrics metrics;

    DeadLettersApi(DeadLetters letters, Redrive redrive, KnownChannels channels, RedriveMetrics metrics) {
        this.letters = letters;
        this.redrive = redrive;
        this.channels = channels;
        this.metrics = metrics;
    }

    @GetMapping
    @Operation(
            summary = "Lists dead letters, the newest last.",
            description = "With the filter reason, a part may have fewer items than asked for, or none, though more"
                    + " follow: go on while there is a next.")
    Page<DeadLetterItem> list(DeadLetterFilter filter, Paging paging) throws IOException {
        int size = paging.size();
        long from = paging.from(filter);
        filter.check(Instant.now(), channels, letters);
        List<DeadLetterItem> items = new ArrayList<>();
        boolean[] over = new boolean[1];
        Stop stop = letters.read(
                filter.subjects(),
                from,
                paging.cursor() == null ? filter.since() : null,
                filter.reason() == null ? size : MOST_READ,
                letter -> {
                    if (filter.isOver(letter)) {
                        over[0] = true;
                        return false;
                    }
                    if (filter.matches(letter)) {
                        items.add(DeadLetterItem.of(letter));
                    }
                    return items.size() < size;
                });
        return new Page<>(items, over[0] || stop.complete() ? null : Paging.cursor(stop.next(), filter));
    }

    @GetMapping("/{sequence}")
    @Operation(summary = "Tells all of a dead letter: its event with all headers, and its last failed attempts.")
    DeadLetterDetail get(@PathVariable long sequence) throws IOException {
        return DeadLetterDetail.of(find(sequence));
    }

    @PostMapping("/{sequence}/redrive")
    @ResponseStatus(HttpStatus.ACCEPTED)
    @Operation(
            summary = "Sends the event of a dead letter to its own channel again, once, and deletes the dead letter.",
            description = "Its attempts are counted from 1 again. The channel gets it with the extension attribute"
                    + " safredrive.")
    Redriven redrive(@PathVariable long sequence) throws IOException, JetStreamApiException {
        DeadLetter letter = letters.find(sequence);
        if (letter == null) {
            throw redrive.wasSent(sequence) ? sentBefore(sequence) : notFound(sequence);
        }
        Redriven redriven = redriven(letter);
        String problem = channels.problem(redriven.channel());
        if (problem != null) {
            throw RefusedException.conflict(problem);
        }
        Redrives.requireDeletable(letters);
        Redrive.Sent sent = redrive.send(letter);
        if (sent == Redrive.Sent.AT_THE_SAME_TIME) {
            throw RefusedException.conflict("Dead letter " + sequence + " is being sent by somebody else right now.");
        }
        var _ = letters.delete(sequence);
        if (sent == Redrive.Sent.BEFORE) {
            throw sentBefore(sequence);
        }
        metrics.redriven(redriven.channel());
        return redriven;
    }

    @DeleteMapping("/{sequence}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(summary = "Deletes a dead letter for good, with its event.")
    void delete(@PathVariable long sequence) throws IOException, JetStreamApiException {
        var _ = find(sequence);
        Redrives.requireDeletable(letters);
        if (!letters.delete(sequence)) {
            throw notFound(sequence);
        }
    }

    private DeadLetter find(long sequence) throws IOException {
        DeadLetter letter = letters.find(sequence);
        if (letter == null) {
            throw notFound(sequence);
        }
        return letter;
    }

    private static Redriven redriven(DeadLetter letter) {
        try {
            return Redriven.of(letter);
        } catch (IllegalArgumentException e) {
            throw RefusedException.conflict(
                    "Dead letter " + letter.sequence() + " does not say where it came from: " + e.getMessage() + ".");
        }
    }

    private static RefusedException sentBefore(long sequence) {
        return RefusedException.conflict("Dead letter " + sequence + " was sent already.");
    }

    private static RefusedException notFound(long sequence) {
        return RefusedException.notFound("There is no dead letter " + sequence
                + "; it may have been sent again, deleted, or dropped for its age.");
    }
}
