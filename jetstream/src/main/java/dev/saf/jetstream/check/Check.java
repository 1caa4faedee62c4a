package dev.saf.jetstream.check;

import java.util.function.Consumer;

/** Finds out about a part of what a service needs, and creates, alters or takes nothing. */
@FunctionalInterface
public interface Check {

    /**
     * Looks, and may block for as long as that takes.
     *
     * @param found told of everything, on any thread
     * @throws InterruptedException if the time for all checks is over
     */
    void run(Consumer<Finding> found) throws InterruptedException;
}
