/** A channel that writes each event to the service's own log. */
@NullMarked
package dev.saf.channel.log;

import org.jspecify.annotations.NullMarked;
