package dev.saf.consumer.operations;

import dev.saf.consumer.ledger.ParkedEvents.Waiting;
import dev.saf.consumer.ledger.Parking;
import dev.saf.consumer.ledger.Passage;
import dev.saf.event.Event;
import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * An event that waits for its next attempt.
 *
 * @param id by which it is known here
 * @param subject of the event
 * @param eventId of the event
 * @param source of the event
 * @param eventSequence of the event, in {@code events}
 * @param attempts how many have been made
 * @param due when the next one is
 * @param behind the event it waits behind, by sequence, as its channel keeps an order; null if it waits by itself
 */
record RetryItem(
        @Schema(description = "By which it is known here, until it is due")
        String id,

        String channel,
        String subject,
        @Nullable String eventId,
        @Nullable String source,
        long eventSequence,
        long attempts,
        @Nullable Instant due,
        @Nullable String error,
        @Nullable Instant firstFailure,

        @Schema(description = "The event before it in its order, by sequence, which has failed") @Nullable
        Long behind) {

    static RetryItem of(Waiting waiting) {
        Passage passage = waiting.passage();
        Event event = DeadLetterItem.event(passage.subject(), waiting.headers());
        return new RetryItem(
                waiting.target().substring(Parking.DUE.length()),
                passage.channel(),
                DeadLetterItem.subject(passage.subject()),
                event == null ? null : event.id(),
                event == null ? null : event.source(),
                passage.sequence(),
                passage.attempts(),
                waiting.due(),
                waiting.headers().getFirst(Passage.ERROR),
                passage.firstFailure(),
                number(waiting.headers().getFirst(Parking.BEHIND)));
    }

    static @Nullable Long number(@Nullable String text) {
        return text == null || !text.matches("\\d{1,18}") ? null : Long.valueOf(text);
    }
}
