/** Tests of the channel of this package. */
@NullMarked
package dev.saf.channel.webhook;

import org.jspecify.annotations.NullMarked;
