/** A channel that publishes each event to an MQTT broker. */
@NullMarked
package dev.saf.channel.mqtt;

import org.jspecify.annotations.NullMarked;
