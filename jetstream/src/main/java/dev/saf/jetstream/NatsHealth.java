package dev.saf.jetstream;

import io.nats.client.Connection;
import java.util.Objects;
import java.util.stream.Stream;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/**
 * Ready means connected, with streams that keep their promises, and publishing works as far as is known. A stream
 * without which events still find their way is a problem that is told, and no reason to send nobody here.
 */
final class NatsHealth implements HealthIndicator {

    private final NatsConnection connection;
    private final Streams streams;
    private final PublishHealth publishHealth;

    NatsHealth(NatsConnection connection, Streams streams, PublishHealth publishHealth) {
        this.connection = connection;
        this.streams = streams;
        this.publishHealth = publishHealth;
    }

    @Override
    public Health health() {
        Health.Builder health = Stream.of(connection.problem(), streams.problem(), publishHealth.problem())
                .filter(Objects::nonNull)
                .findFirst()
                .map(problem -> Health.down().withDetail("problem", problem))
                .orElseGet(this::ready);
        Connection nats = connection.current();
        if (nats != null) {
            health.withDetail("server", String.valueOf(nats.getConnectedUrl()))
                    .withDetail("version", nats.getServerInfo().getVersion());
        }
        streams.names()
                .forEach(name -> health.withDetail(
                        name,
                        switch (streams.state(name)) {
                            case StreamState.Unknown unknown -> "unknown";
                            case StreamState.Missing missing -> "missing";
                            case StreamState.Unsafe unsafe -> "unsafe";
                            case StreamState.Sound sound ->
                                sound.differences().isEmpty() ? "sound" : sound.differences();
                        }));
        return health.build();
    }

    private Health.Builder ready() {
        String shortcoming = streams.shortcoming();
        return shortcoming == null ? Health.up() : Health.up().withDetail("problem", shortcoming);
    }
}
