package dev.saf.consumer.delivery;

import java.util.HashMap;
import java.util.Map;

/**
 * Keeps account of how many messages have been asked for and have not arrived. Only for the thread that pulls.
 *
 * <p>A message does not tell which pull it answers, so only their sum is kept; the server tells by a status when a pull
 * ends before it was answered in full. Of a pull that got lost, as when another server begins to lead, nobody hears any
 * more, and the sum stays too large; so if it has not been 0 for longer than a pull can last, counting begins anew. At
 * worst too much is asked for, once.
 */
final class Pulls {

    static final long EXPIRES_NANOS = 5_000_000_000L;

    private static final long GRACE_NANOS = 1_000_000_000L;

    private final int concurrency;
    private final Map<Long, Integer> asked = new HashMap<>();
    private long next;
    private int outstanding;
    private long idleNanos;

    Pulls(int concurrency) {
        this.concurrency = concurrency;
    }

    /**
     * How many messages to ask for now. Not every free place at once, since each pull costs a message.
     *
     * @param free how many deliveries could start now if all that was asked for had arrived
     * @return 0 for none
     */
    int wanted(int free, long nowNanos) {
        if (outstanding > 0 && nowNanos - idleNanos > EXPIRES_NANOS + GRACE_NANOS) {
            forget();
        }
        int more = free - outstanding;
        return more > 0 && (outstanding == 0 || more >= (concurrency + 3) / 4) ? more : 0;
    }

    /** Begins a pull and returns its number. */
    long ask(int messages, long nowNanos) {
        if (outstanding == 0) {
            idleNanos = nowNanos;
        }
        asked.put(next, messages);
        outstanding += messages;
        return next++;
    }

    void arrived() {
        outstanding = Math.max(0, outstanding - 1);
        if (outstanding == 0) {
            asked.clear();
        }
    }

    /**
     * A pull has ended before it was answered in full.
     *
     * @param missing how many messages will not come, −1 if the server did not say
     * @return whether, as far as is known, none has come at all
     */
    boolean ended(long number, int missing) {
        Integer messages = asked.remove(number);
        if (messages == null) {
            return false;
        }
        outstanding = Math.max(0, outstanding - (missing < 0 ? messages : Math.min(missing, messages)));
        return missing >= messages;
    }

    /** All pulls so far are void. */
    void forget() {
        asked.clear();
        outstanding = 0;
    }

    boolean isIdle() {
        return outstanding == 0;
    }
}
