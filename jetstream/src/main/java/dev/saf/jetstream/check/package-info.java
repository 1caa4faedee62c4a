/** Checks what a service needs instead of running it, and changes nothing. */
@NullMarked
package dev.saf.jetstream.check;

import org.jspecify.annotations.NullMarked;
