package dev.saf.event;

import java.security.SecureRandom;
import java.util.UUID;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** Ids for events that come without one: UUIDs of version 7 (RFC 9562, section 5.7), which carry their time. */
public final class EventIds {

    private static final RandomGeneratorFactory<RandomGenerator> GENERATORS =
            RandomGeneratorFactory.of("L128X256MixRandom");

    /**
     * One a thread, each with 384 bits of state from a secure seed: as unique as a shared secure generator, without its
     * lock.
     */
    private static final ThreadLocal<RandomGenerator> RANDOM =
            ThreadLocal.withInitial(() -> GENERATORS.create(new SecureRandom().generateSeed(48)));

    private EventIds() {}

    /**
     * Makes an id.
     *
     * @param epochMillis the time the id is to carry, in milliseconds since 1970
     */
    public static String next(long epochMillis) {
        RandomGenerator random = RANDOM.get();
        long high = epochMillis << 16 | 0x7000 | (random.nextLong() >>> 52);
        long low = random.nextLong() >>> 2 | Long.MIN_VALUE;
        return new UUID(high, low).toString();
    }
}
