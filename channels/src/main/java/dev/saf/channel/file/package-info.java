/** A channel that writes each event as a line of a file. */
@NullMarked
package dev.saf.channel.file;

import org.jspecify.annotations.NullMarked;
