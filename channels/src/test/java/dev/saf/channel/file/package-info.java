/** Tests of the channel of this package. */
@NullMarked
package dev.saf.channel.file;

import org.jspecify.annotations.NullMarked;
