package dev.saf.jetstream.check;

/** Knows which settings are secret though their names do not say so. */
@FunctionalInterface
public interface SecretSettings {

    /** Whether the value of a property, by its whole name in kebab case, must never be shown. */
    boolean include(String property);
}
