/** Tests of the channel of this package. */
@NullMarked
package dev.saf.channel.nats;

import org.jspecify.annotations.NullMarked;
