/** Sees each event through to its channel. */
@NullMarked
package dev.saf.consumer;

import org.jspecify.annotations.NullMarked;
