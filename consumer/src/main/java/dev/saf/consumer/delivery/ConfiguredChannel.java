package dev.saf.consumer.delivery;

import dev.saf.channel.Channel;

/**
 * A channel as configured, ready to deliver.
 *
 * @param name as in {@code saf.channels.<name>}
 */
public record ConfiguredChannel(String name, ChannelSettings settings, Channel channel) {}
