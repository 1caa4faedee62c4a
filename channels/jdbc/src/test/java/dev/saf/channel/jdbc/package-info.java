/** Tests of the channel of this package. */
@NullMarked
package dev.saf.channel.jdbc;

import org.jspecify.annotations.NullMarked;
