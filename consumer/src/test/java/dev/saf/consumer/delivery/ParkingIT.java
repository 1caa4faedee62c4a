package dev.saf.consumer.delivery;

import static dev.saf.consumer.Nats.event;
import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.event.Event;
import dev.saf.event.TraceContext;
import dev.saf.natsserver.NatsServer;
import io.nats.client.Message;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Retries that wait on the stream {@code later}. */
class ParkingIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String PARKS_AT_ONCE = "saf.channels.audit.retry.park-after=0s";

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Nats nats = opened.add(new Nats(server).withStreams());

    @BeforeEach
    void forget() {
        script("other", new RecordingChannel());
    }

    @Test
    void aParkedRetryComesBackToItsOwnChannelOnlyAndAsItWas() {
        AtomicInteger attempts = new AtomicInteger();
        RecordingChannel audit = new RecordingChannel(event -> {
            if (attempts.incrementAndGet() < 4) {
                throw new IllegalStateException("not yet");
            }
        });
        RecordingChannel other = new RecordingChannel();
        script("audit", audit);
        script("other", other);
        Event sent = event("orders.placed", "café 1")
                .withTrace(new TraceContext("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "a=b"));
        try (Consumer consumer = Consumer.start(
                server,
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.retry.initial=50ms",
                PARKS_AT_ONCE,
                "saf.channels.other.type=scripted")) {
            nats.publish(sent);
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
            await().atMost(PATIENCE).until(() -> nats.due("audit") == 0 && nats.unsettled("audit") == 0);
            assertThat(audit.offered).hasSize(4);
            assertThat(other.offered).hasSize(1);
            assertThat(consumer.metric("saf.channel.parked", "audit")).isEqualTo(3);
            assertThat(consumer.metric("saf.channel.retried", "audit")).isEqualTo(3);
        }
        Event delivered = Objects.requireNonNull(audit.delivered.peek());
        assertThat(delivered.withTrace(null)).isEqualTo(sent.withTrace(null));
        assertThat(Objects.requireNonNull(delivered.trace()).traceparent())
                .startsWith("00-4bf92f3577b34da6a3ce929d0e0e4736-");
        assertThat(nats.deadLetters()).isEmpty();
    }

    @Test
    void attemptsAreCountedAcrossParkingsAndToldInTheDeadLetter() {
        RecordingChannel audit = new RecordingChannel(event -> {
            throw new IllegalStateException("never");
        });
        script("audit", audit);
        try (Consumer _ = Consumer.start(
                server,
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.retry.initial=10ms",
                "saf.channels.audit.retry.cap=20ms",
                "saf.channels.audit.retry.attempts=7")) {
            nats.publish("1");
            await().atMost(PATIENCE)
                    .until(() -> nats.due("audit") == 0 && !nats.deadLetters().isEmpty());
            assertThat(audit.offered).hasSize(7);
        }
        Message letter = nats.deadLetters().getFirst();
        assertThat(letter.getHeaders().getFirst("Saf-Attempts")).isEqualTo("7");
        // Handed out three times where it was stored, and three times after each parking.
        assertThat(letter.getHeaders().getFirst("Saf-Parkings")).isEqualTo("2");
        List<String> history = letter.getHeaders().get("Saf-Attempt");
        assertThat(history).hasSize(7);
        assertThat(history.getFirst()).matches("1 20\\S+Z \\d+ms IllegalStateException: never");
        assertThat(history.getLast()).startsWith("7 ");
        assertThat(letter.getHeaders().getFirst("Saf-Message-Id")).isEqualTo("shop/1");
    }

    @Test
    void parkedRetriesSurviveARestartOfEverything() throws Exception {
        AtomicInteger attempts = new AtomicInteger();
        RecordingChannel audit = new RecordingChannel(event -> {
            if (attempts.incrementAndGet() == 1) {
                throw new IllegalStateException("not yet");
            }
        });
        script("audit", audit);
        String[] settings = {"saf.channels.audit.type=scripted", "saf.channels.audit.retry.schedule=3s", PARKS_AT_ONCE};
        try (Consumer consumer = Consumer.start(server, settings)) {
            nats.publish("1");
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.parked", "audit") == 1);
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        }
        server.kill();
        server.restart();
        try (Consumer _ = Consumer.start(server, settings)) {
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
        }
    }

    @Test
    void whatCannotBeParkedStaysAndIsTriedAgain() {
        AtomicInteger attempts = new AtomicInteger();
        RecordingChannel audit = new RecordingChannel(event -> {
            if (attempts.incrementAndGet() < 4) {
                throw new IllegalStateException("not yet");
            }
        });
        script("audit", audit);
        try (Consumer consumer = Consumer.start(
                server, "saf.channels.audit.type=scripted", "saf.channels.audit.retry.initial=50ms", PARKS_AT_ONCE)) {
            nats.refuseAll("later", true);
            nats.publish("1");
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            assertThat(consumer.metric("saf.channel.parking.failures", "audit")).isEqualTo(3);
            assertThat(consumer.metric("saf.channel.parked", "audit")).isZero();
        }
    }

    @Test
    void thousandsOfParkedRetriesDoNotHoldUpHealthyEvents() throws Exception {
        RecordingChannel audit = new RecordingChannel(event -> {
            if (event.id().startsWith("event-")) {
                throw new IllegalStateException("not yet");
            }
        });
        script("audit", audit);
        try (Consumer consumer =
                Consumer.start(server, "saf.channels.audit.type=scripted", "saf.channels.audit.retry.schedule=1h")) {
            nats.publish(5000);
            await().atMost(Duration.ofMinutes(1)).until(() -> consumer.metric("saf.channel.parked", "audit") == 5000);
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            // None of them is out, so none of them takes a place.
            assertThat(nats.consumer("audit").getNumAckPending()).isZero();
            for (int i = 0; i < 500; i++) {
                nats.publish("healthy-" + i);
            }
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 500);
            assertThat(audit.offered).hasSize(5500);
            assertThat(consumer.metric("saf.channel.retried", "audit")).isEqualTo(5000);
        }
    }
}
