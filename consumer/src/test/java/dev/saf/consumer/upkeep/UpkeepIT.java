package dev.saf.consumer.upkeep;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.event.WireFormat;
import dev.saf.jetstream.EventMessages;
import dev.saf.natsserver.NatsServer;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Keeping house, in the whole service. */
class UpkeepIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String[] SETTINGS = {
        "saf.channels.audit.type=scripted",
        "saf.upkeep.interval=100ms",
        "saf.streams.events.max-bytes=2MB",
        "saf.streams.events.duplicate-window=1s"
    };

    private static final Payload PAYLOAD = Payload.of(new byte[2000], "application/octet-stream");

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Nats nats = opened.add(new Nats(server));
    private int published;

    @BeforeEach
    void forget() {
        script("audit", new RecordingChannel());
    }

    private static double trimmed(Consumer consumer) {
        return consumer.bean(MeterRegistry.class)
                .get("saf.stream.trimmed")
                .counter()
                .count();
    }

    /** No more than a megabyte in two duplicate windows. */
    private void publishSteadily(int count) throws Exception {
        long start = System.nanoTime();
        for (int i = 0; i < count; i++) {
            // Not until it is stored: a refusal is what this is about.
            Event event = Event.of("orders", "event-" + published++, "shop", Instant.now(), PAYLOAD);
            nats.publishRaw(
                    WireFormat.natsSubject(event),
                    EventMessages.headers(event),
                    event.payload().bytes());
            LockSupport.parkNanos(start + i * 4_000_000L - System.nanoTime());
        }
    }

    @Test
    void aStreamFullOfDeliveredEventsNeverRefusesANewOne() throws Exception {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        try (Consumer consumer = Consumer.start(server, SETTINGS)) {
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            publishSteadily(2000);
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 2000);
            assertThat(trimmed(consumer)).isGreaterThan(900);
        }
    }

    @Test
    void anotherProcessGoesOnAtOnceWhenTheOneThatKeepsHouseEnds() throws Exception {
        try (Consumer second = Consumer.start(server, SETTINGS)) {
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            try (Consumer first = Consumer.start(server, SETTINGS)) {
                publishSteadily(900);
                await().atMost(PATIENCE).until(() -> trimmed(first) + trimmed(second) > 0);
                assertThat(Math.min(trimmed(first), trimmed(second))).isZero();
            }
            double before = trimmed(second);
            publishSteadily(900);
            await().atMost(PATIENCE).until(() -> trimmed(second) > before);
        }
    }

    @Test
    void noMoreIsParkedThanTheStreamMayHoldWhoeverHasParkedIt() throws Exception {
        RecordingChannel audit = new RecordingChannel(event -> {
            throw new IllegalStateException("not yet");
        });
        script("audit", audit);
        try (Consumer consumer = Consumer.start(
                server,
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.retry.initial=100ms",
                "saf.channels.audit.retry.park-after=0s",
                "saf.streams.later.max-parked=5",
                "saf.upkeep.interval=100ms")) {
            await().atMost(PATIENCE).until(() -> nats.due("audit") == 0);
            for (int i = 0; i < 5; i++) {
                nats.publishRaw("later.at.former." + i + ".abc", null, new byte[1]);
            }
            await().atMost(PATIENCE).until(() -> {
                nats.publish(1);
                return consumer.metric("saf.channel.parking.failures", "audit") > 0;
            });
        }
    }
}
