package dev.saf.consumer.delivery;

import dev.saf.consumer.ledger.SharedState;
import dev.saf.consumer.ledger.SharedState.Entry;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What all processes agree on about one channel: read about once a second, and changed only if nobody else was faster.
 * What was known last counts while NATS is away. Before anything is known nothing is delivered, since a pause outlives
 * a restart; unless everything but the shared state works, for then the channel is better off without it.
 */
final class ChannelControl implements Restraint {

    private static final Logger log = LoggerFactory.getLogger(ChannelControl.class);
    private static final long PERIOD_NANOS = Duration.ofSeconds(1).toNanos();

    /** For so long an answer older than what is known is taken for one of a replica that is behind. */
    private static final long BEHIND_NANOS = Duration.ofSeconds(10).toNanos();

    private static final long PATIENCE_NANOS = Duration.ofSeconds(10).toNanos();
    private static final int MAX_CHANGES = 20;

    private final String channel;
    private final String key;
    private final SharedState state;
    private final Circuit circuit;
    private final LongSupplier nanoTime;

    private record Known(Agreement agreement, long revision, long nanos) {}

    /** Nothing is known, for how long already. */
    private record Unknown(long sinceNanos) {}

    private final LogLimit warnings = new LogLimit(1, Duration.ofMinutes(1));
    private volatile @Nullable Known known;
    private volatile boolean onItsOwn;
    private @Nullable Unknown unknown;
    private long nextReadNanos;

    ChannelControl(String channel, SharedState state, Circuit circuit, LongSupplier nanoTime) {
        this.channel = channel;
        this.key = "channel." + channel;
        this.state = state;
        this.circuit = circuit;
        this.nanoTime = nanoTime;
        this.nextReadNanos = nanoTime.getAsLong();
    }

    @Override
    public int limit() {
        return isKnown() && agreement().pause() == null ? Integer.MAX_VALUE : 0;
    }

    /** Whether it is known what was agreed on, or goes on without it. */
    boolean isKnown() {
        return known != null || onItsOwn;
    }

    /** Since when an operator wants no deliveries, null if none does. */
    @Nullable
    Instant pausedSince() {
        Agreement.Pause pause = agreement().pause();
        return pause == null ? null : pause.since();
    }

    private Agreement agreement() {
        Known last = known;
        return last == null ? Agreement.NOTHING : last.agreement;
    }

    /**
     * Reads what was agreed on, if it is time, and tells what is new. To be called about ten times a second.
     *
     * @throws IOException if that could not be read or told
     */
    synchronized void refresh() throws IOException {
        if (nanoTime.getAsLong() - nextReadNanos < 0 && !circuit.hasNews()) {
            return;
        }
        Entry entry = state.get(key);
        long now = nanoTime.getAsLong();
        nextReadNanos = now + PERIOD_NANOS;
        Agreement agreement;
        try {
            agreement = entry == null ? Agreement.NOTHING : entry.as(Agreement.class);
        } catch (IOException e) {
            if (warnings.allow(now) >= 0) {
                log.warn("channel {}: {}; pause or resume it, and it is written anew", channel, e.getMessage());
            }
            missed(e, true);
            return;
        }
        long revision = entry == null ? 0 : entry.revision();
        if (learn(agreement, revision)) {
            share(entry, agreement, circuit.meet(agreement.circuit(), revision));
        }
    }

    private void share(@Nullable Entry entry, Agreement before, Circuit.@Nullable News news) throws IOException {
        if (news == null) {
            return;
        }
        if (write(entry, before.with(news.circuit()))) {
            circuit.told(news);
        } else {
            nextReadNanos = nanoTime.getAsLong();
        }
    }

    /** False if somebody else was faster. */
    private boolean write(@Nullable Entry before, Agreement after) throws IOException {
        OptionalLong revision = before == null ? state.create(key, after) : state.update(key, after, before.revision());
        return revision.isPresent() && learn(after, revision.getAsLong());
    }

    /**
     * Nothing could be read.
     *
     * @param works whether everything else does
     */
    synchronized void missed(IOException why, boolean works) {
        long now = nanoTime.getAsLong();
        if (isKnown()) {
            nextReadNanos = now + PERIOD_NANOS;
        } else if (!works) {
            unknown = null;
        } else if (unknown == null) {
            unknown = new Unknown(now);
        } else if (now - unknown.sinceNanos >= PATIENCE_NANOS) {
            onItsOwn = true;
            log.warn(
                    "channel {}: cannot know whether it is paused, and delivers as if it was not, until this can be"
                            + " read: {}",
                    channel,
                    why.getMessage());
        }
    }

    /**
     * No deliveries from now on, in no process. Changes nothing if it is so already.
     *
     * @throws IOException if that could not be told to the others, or if it is not known whether it was
     */
    void pause() throws IOException {
        Instant now = Instant.now().truncatedTo(ChronoUnit.MILLIS);
        change(before -> before.paused(new Agreement.Pause(now)));
    }

    /**
     * Deliveries again. Changes nothing if it is so already.
     *
     * @throws IOException if that could not be told to the others, or if it is not known whether it was
     */
    void resume() throws IOException {
        change(Agreement::resumed);
    }

    private synchronized void change(UnaryOperator<Agreement> change) throws IOException {
        for (int i = 0; i < MAX_CHANGES; i++) {
            Entry entry = state.get(key);
            // Written even if nothing changes: what was read may be old.
            if (write(entry, change.apply(entry == null ? Agreement.NOTHING : understood(entry)))) {
                return;
            }
            // Another process was faster, or a replica that is behind has answered.
            LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
        }
        throw new IOException("channel %s: others change what is known of it all the time".formatted(channel));
    }

    /** What nobody understands is nothing to keep. */
    private static Agreement understood(Entry entry) {
        try {
            return entry.as(Agreement.class);
        } catch (IOException e) {
            log.warn("what was agreed on is written anew: {}", e.getMessage());
            return Agreement.NOTHING;
        }
    }

    /** False if it is older than what is known. */
    private boolean learn(Agreement agreement, long revision) {
        long now = nanoTime.getAsLong();
        Known before = known;
        if (before != null && revision < before.revision && now - before.nanos < BEHIND_NANOS) {
            return false;
        }
        known = new Known(agreement, revision, now);
        if (agreement.pause() != null && (before == null || before.agreement.pause() == null)) {
            log.info("channel {}: paused since {}", channel, agreement.pause().since());
        } else if (agreement.pause() == null && before != null && before.agreement.pause() != null) {
            log.info("channel {}: resumed", channel);
        }
        return true;
    }
}
