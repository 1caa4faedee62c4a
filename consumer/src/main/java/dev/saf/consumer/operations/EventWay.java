package dev.saf.consumer.operations;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Where an event is on its way through one channel.
 *
 * @param state {@code not-subscribed}, {@code not-followed} (a channel on core NATS), {@code skipped} (it is older than
 *     the channel, which began later), {@code waiting}, {@code in-flight}, {@code in-flight-or-just-settled} (in
 *     another process, if at all), {@code settled}, {@code parked}, {@code due}, {@code cancelled} or {@code dead}
 * @param due when the next attempt is due, null unless parked
 * @param retry the id of the parked retry, null unless parked
 * @param attempts how many have been made, null unless parked, due or dead
 * @param error the last one, null unless parked, due or dead
 * @param reason why it is dead, null unless it is
 * @param deadLetter the dead letter's sequence, null unless dead
 * @param redrives how often it has been sent again after it was dead, null for never
 * @param replay the replay this belongs to, null for none
 * @param behind the event it is parked behind, by sequence, as its channel keeps an order; null if it waits by itself
 */
record EventWay(
        String channel,
        String state,
        @Nullable Instant due,
        @Nullable String retry,
        @Nullable Long attempts,
        @Nullable String error,
        @Nullable String reason,
        @Nullable Long deadLetter,
        @Nullable Long redrives,
        @Nullable String replay,
        @Nullable Long behind) {

    static EventWay of(String channel, String state) {
        return new EventWay(channel, state, null, null, null, null, null, null, null, null, null);
    }
}
