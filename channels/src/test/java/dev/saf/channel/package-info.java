/** The contract that every channel keeps, as tests. */
@NullMarked
package dev.saf.channel;

import org.jspecify.annotations.NullMarked;
