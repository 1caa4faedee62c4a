/** A channel that produces each event to a topic of Kafka. */
@NullMarked
package dev.saf.channel.kafka;

import org.jspecify.annotations.NullMarked;
