package dev.saf.consumer.operations;

import dev.saf.consumer.ledger.DeadLetter;
import dev.saf.consumer.ledger.DeadLetters;
import dev.saf.consumer.ledger.Passage;
import dev.saf.event.Event;
import dev.saf.event.InvalidEventException;
import dev.saf.event.WireFormat;
import io.nats.client.impl.Headers;
import io.swagger.v3.oas.annotations.media.Schema;
import java.time.DateTimeException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A dead letter in a list. What a foreign one does not tell is null.
 *
 * @param subject of the event
 * @param id of the event
 * @param source of the event
 * @param eventSequence of the event, in {@code events}
 */
record DeadLetterItem(
        @Schema(description = "By which it is known here") long sequence,
        String channel,
        @Nullable String subject,
        @Nullable String id,
        @Nullable String source,
        @Nullable String reason,
        @Nullable String error,
        long attempts,

        @Schema(description = "How often it was a dead letter before and has been sent again")
        long redrives,

        @Nullable Long eventSequence,
        @Nullable Instant firstFailure,
        @Nullable Instant lastFailure,
        Instant stored) {

    static DeadLetterItem of(DeadLetter letter) {
        Headers headers = letter.headers();
        Passage passage = passage(letter);
        Event event = passage == null ? null : event(passage.subject(), headers);
        return new DeadLetterItem(
                letter.sequence(),
                letter.channel(),
                passage == null ? null : subject(passage.subject()),
                event == null ? null : event.id(),
                event == null ? null : event.source(),
                headers.getFirst(DeadLetters.REASON),
                headers.getFirst(Passage.ERROR),
                passage == null ? 0 : passage.attempts(),
                passage == null ? 0 : passage.redrives(),
                passage == null ? null : passage.sequence(),
                passage == null ? null : passage.firstFailure(),
                time(headers.getFirst(Passage.LAST_FAILURE)),
                letter.stored());
    }

    /** The subject of an event as clients know it. */
    static String subject(String natsSubject) {
        return natsSubject.startsWith(WireFormat.SUBJECT_PREFIX)
                ? natsSubject.substring(WireFormat.SUBJECT_PREFIX.length())
                : natsSubject;
    }

    /** Null if there is none in these headers. The event has no payload. */
    static @Nullable Event event(String natsSubject, Headers headers) {
        try {
            return WireFormat.read(natsSubject, headers.keySet(), headers::getFirst, new byte[0]);
        } catch (InvalidEventException e) {
            return null;
        }
    }

    private static @Nullable Passage passage(DeadLetter letter) {
        try {
            return letter.passage();
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static @Nullable Instant time(@Nullable String text) {
        try {
            return text == null ? null : Instant.parse(text);
        } catch (DateTimeException e) {
            return null;
        }
    }
}
