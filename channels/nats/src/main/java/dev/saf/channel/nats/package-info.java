/** A channel that publishes each event to another NATS. */
@NullMarked
package dev.saf.channel.nats;

import org.jspecify.annotations.NullMarked;
