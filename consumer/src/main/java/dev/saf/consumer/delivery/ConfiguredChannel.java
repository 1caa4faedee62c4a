package dev.saf.consumer.delivery;

import dev.saf.channel.Channel;

/**
 * A channel as configured, ready to deliver.
 *
 * @param name as in {@code saf.channels.<name>}
 */
public record ConfiguredChannel(String name, ChannelSettings settings, Intake intake, Channel channel) {

    /** How many events the server may have out to all processes together. */
    long maxAckPending() {
        return intake.maxAckPending(settings.concurrency());
    }
}
