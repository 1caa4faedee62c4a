/** What the streams remember of an event's way through a channel. */
@NullMarked
package dev.saf.consumer.ledger;

import org.jspecify.annotations.NullMarked;
