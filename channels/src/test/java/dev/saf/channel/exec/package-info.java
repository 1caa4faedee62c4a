/** Tests of the channel of this package. */
@NullMarked
package dev.saf.channel.exec;

import org.jspecify.annotations.NullMarked;
