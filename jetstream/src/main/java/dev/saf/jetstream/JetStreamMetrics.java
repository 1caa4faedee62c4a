package dev.saf.jetstream;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.BaseUnits;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.nats.client.api.StreamInfo;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** The connection and the streams as meters, {@code saf.nats.*} and {@code saf.stream.*}. */
final class JetStreamMetrics implements MeterBinder {

    private final NatsConnection connection;
    private final Streams streams;

    JetStreamMetrics(NatsConnection connection, Streams streams) {
        this.connection = connection;
        this.streams = streams;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        Gauge.builder("saf.nats.connected", connection, nats -> nats.current() == null ? 0 : 1)
                .description("1 while there is a connection to NATS")
                .register(registry);
        ConnectionWatch watch = connection.watch();
        counter(registry, "saf.nats.reconnects", "Interruptions of the connection that have ended", watch.reconnects);
        counter(registry, "saf.nats.discarded", "Messages the NATS client has thrown away", watch.discarded);
        counter(
                registry,
                "saf.nats.slow.consumers",
                "Times that messages came in faster than they were taken",
                watch.slowConsumers);
        error(registry, "authentication", watch.authentications);
        error(registry, "permission", watch.permissions);
        error(registry, "server", watch.errors);
        error(registry, "client", watch.exceptions);
        traffic(
                registry,
                "saf.nats.messages",
                BaseUnits.MESSAGES,
                "in",
                nats -> nats.statistics().getInMsgs());
        traffic(
                registry,
                "saf.nats.messages",
                BaseUnits.MESSAGES,
                "out",
                nats -> nats.statistics().getOutMsgs());
        traffic(
                registry,
                "saf.nats.bytes",
                BaseUnits.BYTES,
                "in",
                nats -> nats.statistics().getInBytes());
        traffic(
                registry,
                "saf.nats.bytes",
                BaseUnits.BYTES,
                "out",
                nats -> nats.statistics().getOutBytes());
        streams.names().forEach(name -> bindStream(registry, name));
    }

    private void bindStream(MeterRegistry registry, String name) {
        Gauge.builder("saf.stream.sound", streams, all -> all.usable(name) ? 1 : 0)
                .description("1 while the stream exists and keeps its promises")
                .tag("stream", name)
                .register(registry);
        Gauge.builder(
                        "saf.stream.differences",
                        streams,
                        all -> all.state(name) instanceof StreamState.Sound sound
                                ? sound.differences().size()
                                : Double.NaN)
                .description("Attributes of the stream that are not as configured, without breaking a promise")
                .tag("stream", name)
                .register(registry);
        gauge(
                registry,
                name,
                "saf.stream.messages",
                BaseUnits.MESSAGES,
                "Messages in the stream",
                info -> info.getStreamState().getMsgCount());
        gauge(
                registry,
                name,
                "saf.stream.bytes",
                BaseUnits.BYTES,
                "Size of the stream",
                info -> info.getStreamState().getByteCount());
        gauge(
                registry,
                name,
                "saf.stream.bytes.max",
                BaseUnits.BYTES,
                "Size at which the stream is full",
                info -> info.getConfiguration().getMaxBytes());
        gauge(registry, name, "saf.stream.usage", null, "Size of the stream by its largest size, 0 to 1", info -> {
            long most = info.getConfiguration().getMaxBytes();
            return most <= 0 ? 0 : (double) info.getStreamState().getByteCount() / most;
        });
        gauge(
                registry,
                name,
                "saf.stream.age.max",
                "seconds",
                "Age at which the stream drops messages, 0 for never",
                info -> info.getConfiguration().getMaxAge().toMillis() / 1e3);
        gauge(
                registry,
                name,
                "saf.stream.sequence.first",
                null,
                "Sequence of the oldest message",
                info -> info.getStreamState().getFirstSequence());
        gauge(
                registry,
                name,
                "saf.stream.sequence.last",
                null,
                "Sequence of the newest message",
                info -> info.getStreamState().getLastSequence());
        gauge(
                registry,
                name,
                "saf.stream.consumers",
                null,
                "Consumers of the stream",
                info -> info.getStreamState().getConsumerCount());
    }

    /** As of the last look; not a number before the first. */
    private void gauge(
            MeterRegistry registry,
            String stream,
            String name,
            @Nullable String unit,
            String description,
            ToDoubleFunction<StreamInfo> value) {
        Gauge.builder(name, streams, all -> {
                    StreamInfo info = all.sight(stream).info();
                    return info == null ? Double.NaN : value.applyAsDouble(info);
                })
                .description(description)
                .baseUnit(unit)
                .tag("stream", stream)
                .register(registry);
    }

    private void traffic(
            MeterRegistry registry,
            String name,
            String unit,
            String direction,
            ToDoubleFunction<NatsConnection> count) {
        FunctionCounter.builder(name, connection, count)
                .description("What went over the connection, protocol included")
                .baseUnit(unit)
                .tag("direction", direction)
                .register(registry);
    }

    private static void error(MeterRegistry registry, String kind, LongAdder count) {
        FunctionCounter.builder("saf.nats.errors", count, LongAdder::sum)
                .description("Complaints of the server or the NATS client")
                .tag("kind", kind)
                .register(registry);
    }

    private static void counter(MeterRegistry registry, String name, String description, LongAdder count) {
        FunctionCounter.builder(name, count, LongAdder::sum)
                .description(description)
                .register(registry);
    }
}
