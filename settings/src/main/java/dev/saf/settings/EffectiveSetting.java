package dev.saf.settings;

/**
 * A setting as it counts.
 *
 * @param name the whole name of the property
 * @param value for people; {@code ***} in the place of what is secret
 * @param origin where it came from, for people
 */
public record EffectiveSetting(String name, String value, String origin) {}
