package dev.saf.consumer.delivery;

import dev.saf.jetstream.NatsCheck;
import dev.saf.jetstream.check.Area;
import dev.saf.jetstream.check.Check;
import dev.saf.jetstream.check.Finding;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Whether the durables that are there already can be used. Those that are not will be created by the service. */
public final class DurablesCheck implements Check {

    private static final int STREAM_NOT_FOUND = 10059;

    private final NatsCheck nats;
    private final Channels channels;

    /**
     * Prepares to look.
     *
     * @param nats has been run before
     */
    public DurablesCheck(NatsCheck nats, Channels channels) {
        this.nats = nats;
        this.channels = channels;
    }

    @Override
    public void run(Consumer<Finding> found) {
        for (ConfiguredChannel channel : channels.all()) {
            if (channel.intake().mode() == Intake.Mode.STREAM) {
                for (Source source : List.of(Source.events(channel.name()), Source.due(channel.name()))) {
                    String problem = look(source, channel);
                    if (problem != null) {
                        found.accept(Finding.fail(Area.STREAMS, problem));
                    }
                }
            }
        }
    }

    private @Nullable String look(Source source, ConfiguredChannel channel) {
        Connection connection = nats.toAsk("$JS.API.CONSUMER.INFO." + source.kind.stream + "." + source.durable());
        if (connection == null) {
            // That has been said.
            return null;
        }
        try {
            return new Durable(source, channel).check(connection);
        } catch (JetStreamApiException | IOException | IllegalStateException e) {
            return e instanceof JetStreamApiException refusal && refusal.getApiErrorCode() == STREAM_NOT_FOUND
                    ? null
                    : "durable consumer %s of stream %s could not be looked at: %s"
                            .formatted(source.durable(), source.kind.stream, e.getMessage());
        }
    }
}
