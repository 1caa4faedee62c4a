package dev.saf.consumer.delivery;

/** A reason to deliver less than a channel could, for a while. */
@FunctionalInterface
interface Restraint {

    /** How many deliveries may run at once now; 0 for none, {@link Integer#MAX_VALUE} for no restraint. */
    int limit();
}
