/** A channel that runs a command for each event. */
@NullMarked
package dev.saf.channel.exec;

import org.jspecify.annotations.NullMarked;
