package dev.saf.consumer.delivery;

import com.fasterxml.jackson.annotation.JsonValue;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * How a channel is, for people.
 *
 * @param state what matters most
 * @param states everything that is so at once, what matters most first
 * @param problem what keeps events from being delivered, in sentences; null if nothing does
 * @param pausedSince when an operator paused it, null if none did
 * @param brokenSince when the destination was found to fail and left alone, null if it is not
 * @param deliveries in this process
 * @param stored of all processes
 * @param rates of this process
 * @param lastError null if there was none in this process
 */
public record ChannelStatus(
        String name,
        State state,
        List<State> states,
        @Nullable String problem,
        @Nullable Instant pausedSince,
        @Nullable Instant brokenSince,
        Deliveries deliveries,
        Stored stored,
        Rates rates,
        @Nullable LastError lastError) {

    /** What may be so of a channel; several may be so at once. */
    public enum State {
        /** Gets no events, and only somebody else can help. */
        STOPPED,
        /** Gets no events, for reasons that pass by themselves. */
        WAITING,
        /** An operator wants no deliveries for now. */
        PAUSED,
        /** The destination fails, so it is left alone for a while. */
        BROKEN_CIRCUIT,
        /** The destination failed; one event is tried. */
        HALF_OPEN,
        /** Calls of it do not end, so that others have less room, or none. */
        STUCK,
        /** Delivers as fast as its rate lets it, and events wait because of that. */
        RATE_LIMITED,
        /** Delivers. */
        RUNNING;

        /** In lower case with dashes, as in the HTTP API. */
        @JsonValue
        public String tag() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /**
     * What a process has of the channel's events.
     *
     * @param inFlight calls of the channel that run
     * @param held events that have come and wait for their turn
     * @param stuck calls among those that run that go on though they were interrupted
     * @param keepsOrder whether it is this process that delivers, where only one does so to keep an order; null where
     *     all do
     * @param longest the call that has gone on longest, among those that are stuck or have kept a processor for a
     *     while; null if there is none
     */
    public record Deliveries(
            int inFlight,
            int held,
            int stuck,
            @Nullable Boolean keepsOrder,
            @Nullable LongCall longest) {}

    /**
     * A call that takes longer than it should.
     *
     * @param event the event's id
     * @param sequence the event's number in its stream
     * @param since when the channel was called
     */
    public record LongCall(String event, long sequence, Instant since) {}

    /**
     * Where the channel's events are, as of some seconds ago.
     *
     * @param backlog not settled on the stream {@code events}, those that are tried again there included; null if the
     *     durable consumer is missing
     * @param oldestWaiting when the first of those that have not been handed out was stored, null if there is none
     * @param parked until their next attempt is due
     * @param due for their next attempt, null if the durable consumer is missing
     * @param dead kept aside
     */
    public record Stored(
            @Nullable Long backlog,
            @Nullable Instant oldestWaiting,
            long parked,
            @Nullable Long due,
            long dead) {}

    /** Per second, on average over the last minute. */
    public record Rates(double delivered, double failed) {}

    /** What the channel said when it did not take an event. */
    public record LastError(String error, Instant time) {}
}
