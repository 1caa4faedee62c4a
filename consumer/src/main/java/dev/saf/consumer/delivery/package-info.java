/** Takes each channel's events off its durables, offers them to the channel, and settles them. */
@NullMarked
package dev.saf.consumer.delivery;

import org.jspecify.annotations.NullMarked;
