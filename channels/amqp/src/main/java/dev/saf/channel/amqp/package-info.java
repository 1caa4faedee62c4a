/** A channel that publishes each event to a RabbitMQ exchange. */
@NullMarked
package dev.saf.channel.amqp;

import org.jspecify.annotations.NullMarked;
