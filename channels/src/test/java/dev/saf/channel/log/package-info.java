/** Tests of the channel of this package. */
@NullMarked
package dev.saf.channel.log;

import org.jspecify.annotations.NullMarked;
