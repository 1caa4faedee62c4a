package dev.saf.consumer.delivery;

import dev.saf.consumer.delivery.Lanes.Place;
import dev.saf.consumer.delivery.Lanes.Version;
import dev.saf.consumer.ledger.Parking;
import dev.saf.consumer.ledger.StoredMessages;
import dev.saf.jetstream.Streams;
import io.nats.client.api.ConsumerInfo;
import io.nats.client.api.MessageInfo;
import java.io.IOException;

/** Finds out what became of an event that has not come though it was time. */
final class Whereabouts {

    /** What may be found. */
    enum Finding {
        /** It waits on {@code later}. */
        PARKED,
        /** It is to be handed out, or is in somebody's hands. */
        COMES,
        /** Somebody has settled it. */
        SETTLED,
        /** Its stream does not have it any more. */
        GONE
    }

    private final String channel;
    private final StoredMessages stored;
    private final Subscription events;
    private final Subscription due;

    Whereabouts(String channel, StoredMessages stored, Subscription events, Subscription due) {
        this.channel = channel;
        this.stored = stored;
        this.events = events;
        this.due = due;
    }

    /**
     * Looks for it.
     *
     * @throws IOException if nobody can say
     */
    Finding of(Place place, Version version) throws IOException {
        return version.equals(Version.FIRST) ? onEvents(place) : onLater(place, version);
    }

    private Finding onEvents(Place place) throws IOException {
        MessageInfo found = stored.get(Streams.EVENTS, place.sequence());
        boolean same = found != null
                && found.getTime() != null
                && Position.nanos(found.getTime().toInstant()) == place.storedNanos();
        return same ? finding(events, place.sequence()) : Finding.GONE;
    }

    private Finding onLater(Place place, Version version) throws IOException {
        String subject = Parking.due(channel, place.sequence(), place.life(), version.attempts(), version.parkings());
        // In this order: it may become due in between.
        if (stored.next(Streams.LATER, 1, Parking.at(subject)) != null) {
            return Finding.PARKED;
        }
        MessageInfo found = stored.next(Streams.LATER, 1, subject);
        return found == null ? Finding.GONE : finding(due, found.getSeq());
    }

    private static Finding finding(Subscription from, long sequence) throws IOException {
        ConsumerInfo durable = from.ask();
        return durable != null && sequence <= durable.getAckFloor().getStreamSequence()
                ? Finding.SETTLED
                : Finding.COMES;
    }
}
