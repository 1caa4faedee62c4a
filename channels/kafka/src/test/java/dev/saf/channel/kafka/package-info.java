/** Tests of the channel of this package. */
@NullMarked
package dev.saf.channel.kafka;

import org.jspecify.annotations.NullMarked;
