package dev.saf.consumer.delivery;

import java.util.random.RandomGenerator;

/**
 * What goes wrong in one history, as probabilities: of each request but for the last ones.
 *
 * @param lost a request does not arrive
 * @param unanswered the answer does not
 * @param late the request arrives when nobody waits for the answer any more
 * @param twice the request arrives twice
 * @param crash a process ends between two steps
 * @param freeze a process stands still between two steps, for longer than the server waits
 * @param restarts how often the server goes away for a while
 * @param full whether streams are full for a while
 * @param clocks whether the clocks of the processes are minutes off
 */
record Faults(
        double lost,
        double unanswered,
        double late,
        double twice,
        double crash,
        double freeze,
        int restarts,
        boolean full,
        boolean clocks) {

    private static final Faults NONE = new Faults(0, 0, 0, 0, 0, 0, 0, false, false);

    /** None in a quarter of all cases, else any of them together. */
    static Faults of(RandomGenerator random) {
        if (random.nextInt(4) == 0) {
            return NONE;
        }
        return new Faults(
                some(random, 0.1),
                some(random, 0.1),
                some(random, 0.05),
                some(random, 0.05),
                some(random, 0.05),
                some(random, 0.02),
                random.nextBoolean() ? random.nextInt(3) : 0,
                random.nextBoolean(),
                random.nextBoolean());
    }

    private static double some(RandomGenerator random, double most) {
        return random.nextBoolean() ? random.nextDouble() * most : 0;
    }
}
