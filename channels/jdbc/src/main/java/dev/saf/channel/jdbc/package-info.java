/** A channel that runs a statement of SQL for each event. */
@NullMarked
package dev.saf.channel.jdbc;

import org.jspecify.annotations.NullMarked;
