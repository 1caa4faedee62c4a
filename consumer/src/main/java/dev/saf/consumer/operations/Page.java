package dev.saf.consumer.operations;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Part of a list.
 *
 * @param next the cursor with which to ask for the next part, null after the last
 */
record Page<T>(List<T> items, @Nullable String next) {}
