package dev.saf.consumer.ledger;

import dev.saf.consumer.ledger.SharedState.Entry;
import java.io.IOException;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The right to do something that only one process should do at a time. The holder renews it; one that falls silent
 * loses it to whoever asks.
 *
 * <p>No clocks are compared. The holder believes in a renewal for 8 seconds from before it asked for it; a rival takes
 * over what has not changed for 10 seconds since it saw it first, and only if it is unchanged still. So no two hold it
 * at once, as long as their seconds are about as long.
 *
 * <p>A process may be stopped between asking {@link #held} and acting on the answer. So what is done under a lease must
 * do no harm when it is done twice.
 */
public final class Lease {

    /**
     * How long everything takes.
     *
     * @param renewal between two renewals
     * @param trust for how long the holder believes in one
     * @param patience of a rival; longer than the trust
     */
    record Times(Duration renewal, Duration trust, Duration patience) {}

    /** What is known of the holder: its name, and what tells it from all others of the same name. */
    private record Holder(String owner, String id) {}

    private static final Logger log = LoggerFactory.getLogger(Lease.class);
    private static final Times TIMES = new Times(Duration.ofSeconds(3), Duration.ofSeconds(8), Duration.ofSeconds(10));

    private final SharedState state;
    private final String what;
    private final String key;
    private final Holder self;
    private final Times times;
    private final LongSupplier nanoTime;

    /** The last renewal: its revision, and the time from which on it counts. */
    private record Renewal(long revision, long nanos) {}

    /** A revision of somebody else's, and when it was first seen. */
    private record Sight(long revision, long nanos) {}

    private volatile @Nullable Renewal renewal;
    private @Nullable Sight rival;

    /**
     * For the right to do something, which nobody holds yet.
     *
     * @param what one token, such as {@code upkeep}
     * @param owner this process, for those who look
     */
    public Lease(SharedState state, String what, String owner) {
        this(state, what, owner, TIMES, System::nanoTime);
    }

    Lease(SharedState state, String what, String owner, Times times, LongSupplier nanoTime) {
        this.state = state;
        this.what = what;
        this.key = "lease." + what;
        this.self = new Holder(owner, UUID.randomUUID().toString());
        this.times = times;
        this.nanoTime = nanoTime;
    }

    /** Whether this process may do it now. Asks nobody. */
    public boolean held() {
        Renewal last = renewal;
        return last != null && nanoTime.getAsLong() - last.nanos < times.trust.toNanos();
    }

    /**
     * Asks for the lease, or keeps it: to be called about every second by whoever wants it.
     *
     * @return whether it is held now
     * @throws IOException if the shared state could not be asked or did not answer; a lease that is held stays so for
     *     its time
     */
    public synchronized boolean renew() throws IOException {
        Renewal last = renewal;
        long now = nanoTime.getAsLong();
        if (last == null) {
            contend();
        } else if (now - last.nanos >= times.renewal.toNanos() && !take(last.revision)) {
            renewal = null;
            contend();
            if (renewal == null) {
                log.info("lease {}: lost", what);
            }
        }
        return held();
    }

    /**
     * Gives the lease back, if it is held, so that nobody has to wait for it.
     *
     * @throws IOException if that could not be told to anybody; it is not held any more in any case
     */
    public synchronized void release() throws IOException {
        Renewal last = renewal;
        renewal = null;
        if (last != null) {
            state.delete(key, last.revision);
            log.info("lease {}: given back", what);
        }
    }

    private void contend() throws IOException {
        Entry entry = state.get(key);
        long now = nanoTime.getAsLong();
        if (entry == null) {
            if (take(0)) {
                log.info("lease {}: taken", what);
            }
        } else if (entry.value().contains(self.id)) {
            // A renewal whose answer was lost.
            var _ = take(entry.revision());
        } else if (rival == null || rival.revision != entry.revision()) {
            rival = new Sight(entry.revision(), now);
        } else if (now - rival.nanos >= times.patience.toNanos() && take(entry.revision())) {
            log.info("lease {}: taken over, nothing was heard of its holder: {}", what, entry.value());
        }
    }

    /** Takes it if the given revision is the last one, or 0 and there is none. */
    private boolean take(long revision) throws IOException {
        long asked = nanoTime.getAsLong();
        OptionalLong taken = revision == 0 ? state.create(key, self) : state.update(key, self, revision);
        if (taken.isPresent()) {
            renewal = new Renewal(taken.getAsLong(), asked);
            rival = null;
        }
        return taken.isPresent();
    }
}
