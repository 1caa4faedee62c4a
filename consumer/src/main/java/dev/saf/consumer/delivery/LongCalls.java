package dev.saf.consumer.delivery;

import java.time.Duration;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Which calls of a channel take longer than they should, as of the last look at all of them. */
final class LongCalls {

    private static final Logger log = LoggerFactory.getLogger(LongCalls.class);

    /** Calls that keep so many processors busy take them from all other channels, so then nothing more starts. */
    static final int MANY = Math.max(2, Runtime.getRuntime().availableProcessors());

    /** So often in a row a call must be found computing to keep its processor: a look comes ten times a second. */
    private static final int LOOKS = 2;

    /** After so long that is worth telling people. */
    private static final long LONG_NANOS = Duration.ofSeconds(5).toNanos();

    private record Found(int stuck, int computing, @Nullable Delivery longest) {}

    private final ConfiguredChannel channel;
    private final InstantSource clock = InstantSource.system();
    private volatile Found last = new Found(0, 0, null);

    LongCalls(ConfiguredChannel channel) {
        this.channel = channel;
    }

    /** Begins to look at all calls. For one thread at a time. */
    Look look() {
        return new Look();
    }

    /** A look at all calls, one after the other. */
    final class Look {

        private int stuck;
        private int computing;
        private @Nullable Delivery longest;

        /** @param isStuck whether it goes on though it was interrupted */
        void at(Delivery delivery, boolean isStuck) {
            boolean computes = delivery.lookHowOftenComputing() >= LOOKS;
            if (isStuck) {
                stuck++;
            }
            if (computes) {
                computing++;
            }
            if ((computes || isStuck) && (longest == null || delivery.startedNanos - longest.startedNanos < 0)) {
                longest = delivery;
            }
        }

        void end() {
            Found before = last;
            boolean knew = isStuck();
            last = new Found(stuck, computing, longest);
            if (stuck > before.stuck) {
                log.error(
                        "channel {}: {} deliveries do not end though interrupted, each holds one of {} places",
                        channel.name(),
                        stuck,
                        channel.settings().concurrency());
            } else if (!knew && isStuck()) {
                log.error(
                        "channel {}: {} calls keep as many processors, and nothing more starts until one ends",
                        channel.name(),
                        computing);
            }
        }
    }

    /** How many go on though they were interrupted. */
    int stuck() {
        return last.stuck;
    }

    /** Whether they keep so many processors busy that there may not be more of them. */
    boolean areTooMany() {
        return last.computing >= MANY;
    }

    /** Whether some go on though they were interrupted, or too many have kept their processors for a while. */
    boolean isStuck() {
        Found found = last;
        return found.stuck > 0
                || (found.computing >= MANY
                        && found.longest != null
                        && System.nanoTime() - found.longest.startedNanos > LONG_NANOS);
    }

    /** The one that has gone on longest, among those that are stuck or compute; null if there is none. */
    ChannelStatus.@Nullable LongCall longest() {
        Delivery delivery = last.longest;
        return delivery == null
                ? null
                : new ChannelStatus.LongCall(
                        String.valueOf(delivery.event()),
                        delivery.position.sequence(),
                        clock.instant()
                                .minusNanos(System.nanoTime() - delivery.startedNanos)
                                .truncatedTo(ChronoUnit.MILLIS));
    }
}
