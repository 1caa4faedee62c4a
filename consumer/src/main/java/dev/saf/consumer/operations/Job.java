package dev.saf.consumer.operations;

/**
 * Something to do that takes longer than a request, and maybe longer than the process that was asked to do it: all that
 * must be known to go on with it, as it is kept in the shared state.
 */
interface Job {

    /** Short, of [a-z0-9]. */
    String id();

    Standing standing();
}
