/** A channel that appends each event to a Redis stream. */
@NullMarked
package dev.saf.channel.redis;

import org.jspecify.annotations.NullMarked;
