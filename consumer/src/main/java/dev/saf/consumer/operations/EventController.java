package dev.saf.consumer.operations;

import dev.saf.consumer.delivery.RunningChannels;
import dev.saf.consumer.ledger.EventLookup;
import dev.saf.consumer.ledger.EventLookup.Found;
import dev.saf.consumer.ledger.Passage;
import dev.saf.event.Event;
import dev.saf.jetstream.NatsConnection;
import io.nats.client.JetStreamApiException;
import io.nats.client.Message;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Where is this event? Answered from the streams alone. */
@RestController
@Tag(name = "events")
final class EventController {

    /**
     * What narrows the search.
     *
     * @param service who sent it; left out for events without a service
     * @param sequence as in the receipt: no search at all
     * @param since when it was stored at the earliest
     * @param until when it was stored at the latest
     * @param cursor to go on where a search has ended
     */
    record Search(
            @Parameter(description = "Who sent it; left out for events without a service") @Nullable
            String service,

            @Parameter(description = "As in the receipt: no search at all") @Nullable
            Long sequence,

            @Parameter(description = "When it was stored at the earliest") @Nullable
            Instant since,

            @Parameter(description = "When it was stored at the latest") @Nullable
            Instant until,

            @Parameter(description = "To go on where a search has ended, which its answer tells") @Nullable
            String cursor) {

        String source() {
            return service == null ? Event.DEFAULT_SOURCE : service;
        }
    }

    /**
     * An event that was found.
     *
     * @param stored when, null if it is on the stream {@code events} no more
     * @param channels its ways through the channels
     */
    record Answer(
            String id,
            String source,
            @Nullable String subject,
            @Nullable String type,
            @Nullable Instant time,
            long sequence,
            @Nullable Instant stored,
            List<EventWay> channels) {}

    private final EventLookup events;
    private final EventWays ways;
    private final RunningChannels channels;

    EventController(NatsConnection nats, RunningChannels channels) {
        this.events = new EventLookup(nats);
        this.ways = new EventWays(nats);
        this.channels = channels;
    }

    @GetMapping("/api/events/{id}")
    @Operation(
            summary = "Where is this event?",
            description = "For each channel: not-subscribed, skipped, waiting, in-flight, in-flight-or-just-settled,"
                    + " settled, parked, due, cancelled or dead. Answered at once with the sequence from the receipt,"
                    + " within the duplicate window, and for ids made by Saf; for other ids the stream is searched,"
                    + " 200,000 messages a request. An id with / or \\ goes to /api/events?id=.")
    Answer where(@PathVariable("id") String id, Search search) throws IOException, JetStreamApiException {
        return answer(id, search);
    }

    @GetMapping("/api/events")
    @Operation(summary = "The same, with the id as a parameter, as some cannot be part of a path.")
    Answer whereIs(@Parameter(description = "The event's id") @RequestParam("id") String id, Search search)
            throws IOException, JetStreamApiException {
        return answer(id, search);
    }

    private Answer answer(String id, Search search) throws IOException, JetStreamApiException {
        if (search.since != null && search.since.isAfter(Instant.now())) {
            throw RefusedException.invalid("since", "must not lie in the future");
        }
        if (search.since != null && search.until != null && search.until.isBefore(search.since)) {
            throw RefusedException.invalid("until", "must not be before since");
        }
        return search.sequence == null ? found(id, search) : at(search.sequence, id, search);
    }

    private Answer at(long sequence, String id, Search search) throws IOException, JetStreamApiException {
        if (sequence < 1) {
            throw RefusedException.invalid("sequence", "must be at least 1");
        }
        Found found = events.at(sequence);
        if (found == null) {
            return left(
                    id,
                    search,
                    "Sequence " + sequence + " is not on the stream events any more, or not yet, and nothing of it is"
                            + " parked or dead.");
        }
        if (!found.event().id().equals(id) || !found.event().source().equals(search.source())) {
            throw RefusedException.notFound("Sequence " + sequence + " is another event, of the service "
                    + found.event().source() + "; leave the sequence out to search for this one.");
        }
        return answer(found);
    }

    private Answer found(String id, Search search) throws IOException, JetStreamApiException {
        Paging paging = new Paging(search.cursor, null);
        String filter = id + "\n" + search.source() + "\n" + search.since + "\n" + search.until;
        long from = paging.from(filter);
        Instant madeAt = EventLookup.timeOf(id);
        if (from == 1) {
            long recent = events.sequenceInDuplicateWindow(search.source(), id);
            Found found = recent == 0 ? null : events.at(recent);
            if (found != null) {
                return answer(found);
            }
        }
        Instant since = search.since == null ? madeAt : search.since;
        EventLookup.Search scan = events.scan(search.source(), id, from, since, search.until);
        if (scan.found() != null) {
            return answer(scan.found());
        }
        if (scan.next() > 0) {
            throw RefusedException.notFound(
                    "Not among the %d events searched; go on with cursor=%s, or narrow the search"
                                    .formatted(EventLookup.MOST, Paging.cursor(scan.next(), filter))
                            + " with since, until or sequence.");
        }
        return left(
                id,
                search,
                "No event of the service %s with this id is on the stream events%s%s, and none is parked or dead."
                        .formatted(
                                search.source(),
                                since == null ? "" : " since " + since,
                                search.until == null ? "" : " until " + search.until));
    }

    /** What the stream has dropped may still be parked or dead. */
    private Answer left(String id, Search search, String otherwise) throws IOException, JetStreamApiException {
        List<Message> left = ways.left(search.source(), id, search.sequence);
        Event event = left.isEmpty() ? null : EventLookup.event(left.getFirst());
        if (event == null) {
            throw RefusedException.notFound(otherwise);
        }
        return new Answer(
                event.id(),
                event.source(),
                event.subject(),
                event.type(),
                event.time(),
                Passage.read(left.getFirst().getHeaders()).sequence(),
                null,
                ways.of(left));
    }

    private Answer answer(Found found) throws IOException, JetStreamApiException {
        Event event = found.event();
        return new Answer(
                event.id(),
                event.source(),
                event.subject(),
                event.type(),
                event.time(),
                found.sequence(),
                found.stored(),
                ways.of(channels.all(), found));
    }
}
