/** A channel that posts each event to a URL. */
@NullMarked
package dev.saf.channel.webhook;

import org.jspecify.annotations.NullMarked;
