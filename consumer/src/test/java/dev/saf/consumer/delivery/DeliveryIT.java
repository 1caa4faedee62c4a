package dev.saf.consumer.delivery;

import static dev.saf.consumer.Nats.event;
import static dev.saf.consumer.ScriptedChannelFactory.script;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.channel.RejectedEventException;
import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.event.Event;
import dev.saf.event.TraceContext;
import dev.saf.natsserver.NatsServer;
import io.nats.client.Message;
import io.nats.client.impl.Headers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.slf4j.MDC;

class DeliveryIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Nats nats = opened.add(new Nats(server).withStreams());

    @BeforeEach
    void forget() {
        script("audit", new RecordingChannel());
        script("other", new RecordingChannel());
    }

    @Test
    void eventsWaitWhileTheConsumerIsDown() throws Exception {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        try (Consumer _ = Consumer.start(server, "saf.channels.audit.type=scripted")) {
            nats.publish("before");
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(audit.deliveredIds()).containsExactly("before"));
        }
        nats.publish("during-1", "during-2");
        try (Consumer _ = Consumer.start(server, "saf.channels.audit.type=scripted")) {
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(audit.deliveredIds())
                            .containsExactlyInAnyOrder("before", "during-1", "during-2"));
        }
    }

    @Test
    void deliversTheEventAsItWasPublished() {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        Event event = event("orders.placed", "café 1")
                .withTrace(new TraceContext("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "a=b"));
        try (Consumer _ = Consumer.start(server, "saf.channels.audit.type=scripted")) {
            nats.publish(event);
            await().atMost(PATIENCE).until(() -> !audit.delivered.isEmpty());
        }
        Event delivered = Objects.requireNonNull(audit.delivered.peek());
        assertThat(delivered.withTrace(null)).isEqualTo(event.withTrace(null));
        TraceContext trace = Objects.requireNonNull(delivered.trace());
        assertThat(trace.traceparent())
                .startsWith("00-4bf92f3577b34da6a3ce929d0e0e4736-")
                .doesNotContain("00f067aa0ba902b7");
    }

    @Test
    void deliversOnlyTheSubjectsOfAChannel() {
        RecordingChannel audit = new RecordingChannel();
        RecordingChannel other = new RecordingChannel();
        script("audit", audit);
        script("other", other);
        try (Consumer _ = Consumer.start(
                server,
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.subjects=orders.*,rides.>",
                "saf.channels.other.type=scripted")) {
            nats.publish(event("orders.placed", "1"));
            nats.publish(event("orders.placed.twice", "2"));
            nats.publish(event("rides.a.b", "3"));
            nats.publish(event("users", "4"));
            await().atMost(PATIENCE)
                    .untilAsserted(
                            () -> assertThat(other.deliveredIds()).containsExactlyInAnyOrder("1", "2", "3", "4"));
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(audit.deliveredIds()).containsExactlyInAnyOrder("1", "3"));
        }
    }

    @Test
    void aSlowChannelDoesNotSlowTheOther() {
        CountDownLatch never = new CountDownLatch(1);
        RecordingChannel slow = new RecordingChannel(event -> never.await());
        RecordingChannel other = new RecordingChannel();
        script("audit", slow);
        script("other", other);
        try (Consumer consumer = Consumer.start(
                server,
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.concurrency=2",
                "saf.channels.other.type=scripted")) {
            nats.publish(500);
            await().atMost(PATIENCE).until(() -> other.delivered.size() == 500);
            assertThat(slow.offered).hasSize(2);
            assertThat(consumer.metric("saf.channel.in.flight", "audit")).isEqualTo(2);
            never.countDown();
            await().atMost(PATIENCE).until(() -> slow.delivered.size() == 500);
            assertThat(slow.offered).hasSize(500);
        }
    }

    @Test
    void aFailingChannelDoesNotSlowTheOther() {
        RecordingChannel failing = new RecordingChannel(event -> {
            throw new StackOverflowError("an Error, and on purpose");
        });
        RecordingChannel other = new RecordingChannel();
        script("audit", failing);
        script("other", other);
        try (Consumer consumer =
                Consumer.start(server, "saf.channels.audit.type=scripted", "saf.channels.other.type=scripted")) {
            nats.publish(500);
            await().atMost(PATIENCE).until(() -> other.delivered.size() == 500);
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.failed", "audit") >= 500);
            assertThat(consumer.metric("saf.channel.failed", "other")).isZero();
        }
    }

    @Test
    void retriesUntilTheDestinationTakesIt() {
        AtomicInteger attempts = new AtomicInteger();
        RecordingChannel audit = new RecordingChannel(event -> {
            if (attempts.incrementAndGet() < 4) {
                throw new IllegalStateException("not yet");
            }
        });
        script("audit", audit);
        try (Consumer consumer =
                Consumer.start(server, "saf.channels.audit.type=scripted", "saf.channels.audit.retry.initial=10ms")) {
            nats.publish("1");
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(audit.deliveredIds()).containsExactly("1"));
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            assertThat(audit.offeredIds()).containsExactly("1", "1", "1", "1");
            assertThat(consumer.metric("saf.channel.failed", "audit")).isEqualTo(3);
            assertThat(consumer.metric("saf.channel.retried", "audit")).isEqualTo(3);
            assertThat(consumer.metric("saf.channel.delivered", "audit")).isEqualTo(1);
            assertThat(nats.deadLetters()).isEmpty();
        }
    }

    @Test
    void keepsADeadLetterWithEverythingInItAfterTheLastAttempt() {
        Instant start = Instant.now();
        RecordingChannel audit = new RecordingChannel(event -> {
            throw new java.io.IOException("no answer from\nBüro");
        });
        script("audit", audit);
        try (Consumer consumer = Consumer.start(
                server,
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.retry.attempts=3",
                "saf.channels.audit.retry.initial=10ms")) {
            nats.publish("1");
            await().atMost(PATIENCE)
                    .until(() -> consumer.metric("saf.channel.dead.lettered", "audit", "reason", "gave-up") == 1);
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            assertThat(audit.offered).hasSize(3);
            assertThat(consumer.metric("saf.channel.retried", "audit")).isEqualTo(2);
        }
        assertThat(nats.deadLetters()).singleElement().satisfies(letter -> {
            assertThat(letter.getSubject()).isEqualTo("dead-letters.audit.1.orders.placed");
            assertThat(letter.getData()).asString(StandardCharsets.UTF_8).isEqualTo("{\"order\":1}");
            assertThat(header(letter, "ce-id")).isEqualTo("1");
            assertThat(header(letter, "ce-source")).isEqualTo("shop");
            assertThat(header(letter, "content-type")).isEqualTo("application/json");
            assertThat(header(letter, "Saf-Digest")).isNotEmpty();
            assertThat(header(letter, "Nats-Msg-Id")).matches("events/1/audit/[0-9a-z]+");
            assertThat(header(letter, "Saf-Message-Id")).isEqualTo("shop/1");
            assertThat(header(letter, "Saf-Channel")).isEqualTo("audit");
            assertThat(header(letter, "Saf-Reason")).isEqualTo("gave-up");
            assertThat(header(letter, "Saf-Attempts")).isEqualTo("3");
            assertThat(header(letter, "Saf-Error")).isEqualTo("IOException: no answer from B?ro");
            assertThat(header(letter, "Saf-Stream")).isEqualTo("events");
            assertThat(header(letter, "Saf-Sequence")).isEqualTo("1");
            assertThat(header(letter, "Saf-Subject")).isEqualTo("events.orders.placed");
            assertThat(Instant.parse(header(letter, "Saf-First-Failure")))
                    .isBetween(start, Instant.parse(header(letter, "Saf-Last-Failure")));
            assertThat(Instant.parse(header(letter, "Saf-Last-Failure"))).isBeforeOrEqualTo(Instant.now());
        });
    }

    @Test
    void keepsARejectedEventAtOnce() {
        RecordingChannel audit = new RecordingChannel(event -> {
            throw new RejectedEventException("unknown customer");
        });
        script("audit", audit);
        try (Consumer consumer = Consumer.start(server, "saf.channels.audit.type=scripted")) {
            nats.publish("1");
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            assertThat(audit.offered).hasSize(1);
            assertThat(consumer.metric("saf.channel.dead.lettered", "audit", "reason", "rejected"))
                    .isEqualTo(1);
            assertThat(consumer.metric("saf.channel.retried", "audit")).isZero();
        }
        assertThat(nats.deadLetters()).singleElement().satisfies(letter -> {
            assertThat(header(letter, "Saf-Reason")).isEqualTo("rejected");
            assertThat(header(letter, "Saf-Error")).isEqualTo("unknown customer");
            assertThat(header(letter, "Saf-Attempts")).isEqualTo("1");
        });
    }

    @Test
    void keepsAnUndecodableMessageWithItsBytes() throws Exception {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        byte[] bytes = {0, 1, (byte) 0xff, '\r', '\n'};
        try (Consumer consumer = Consumer.start(server, "saf.channels.audit.type=scripted")) {
            nats.publishRaw("events.orders.placed", null, bytes);
            nats.publishRaw(
                    "events.orders.*", new Headers().put("X-Own", "kept").put("Nats-Msg-Id", "a\tb"), bytes);
            nats.publish("good");
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            assertThat(consumer.metric("saf.channel.dead.lettered", "audit", "reason", "undecodable"))
                    .isEqualTo(2);
            assertThat(consumer.metric("saf.channel.failed", "audit")).isZero();
            assertThat(audit.offeredIds()).containsExactly("good");
        }
        List<Message> letters = nats.deadLetters();
        assertThat(letters)
                .extracting(Message::getSubject)
                .containsExactlyInAnyOrder("dead-letters.audit.1.orders.placed", "dead-letters.audit.2._");
        assertThat(letters).allSatisfy(letter -> {
            assertThat(letter.getData()).isEqualTo(bytes);
            assertThat(header(letter, "Saf-Reason")).isEqualTo("undecodable");
            assertThat(header(letter, "Saf-Error")).startsWith("no event: ");
        });
        assertThat(letters)
                .filteredOn(letter -> letter.getSubject().endsWith("_"))
                .singleElement()
                .satisfies(letter -> {
                    assertThat(header(letter, "Saf-Subject")).isEqualTo("events.orders.*");
                    assertThat(header(letter, "X-Own")).isEqualTo("kept");
                    assertThat(header(letter, "Saf-Message-Id")).isEqualTo("a?b");
                });
    }

    @Test
    void keepsAndRetriesWhatCannotBecomeADeadLetter() throws Exception {
        try (Nats other = new Nats(server)) {
            var management = other.connection().jetStreamManagement();
            management.updateStream(io.nats.client.api.StreamConfiguration.builder(
                            management.getStreamInfo("dead-letters").getConfiguration())
                    .maxMessages(1)
                    .build());
            RecordingChannel audit = new RecordingChannel(event -> {
                throw new RejectedEventException("never");
            });
            script("audit", audit);
            try (Consumer consumer = Consumer.start(
                    server,
                    "saf.streams.dead-letters.max-messages=1",
                    "saf.channels.audit.type=scripted",
                    "saf.channels.audit.retry.initial=50ms",
                    "saf.channels.audit.retry.cap=50ms")) {
                nats.publish("1", "2");
                await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.dead.letter.failures", "audit") >= 2);
                assertThat(nats.deadLetters()).hasSize(1);
                assertThat(nats.unsettled("audit")).isEqualTo(1);
                management.updateStream(io.nats.client.api.StreamConfiguration.builder(
                                management.getStreamInfo("dead-letters").getConfiguration())
                        .maxMessages(10)
                        .build());
                await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
                assertThat(nats.deadLetters()).hasSize(2);
            }
        }
    }

    @Test
    void interruptsADeliveryThatTakesTooLong() {
        AtomicInteger attempts = new AtomicInteger();
        RecordingChannel audit = new RecordingChannel(event -> {
            if (attempts.incrementAndGet() == 1) {
                new CountDownLatch(1).await();
            }
        });
        script("audit", audit);
        try (Consumer consumer = Consumer.start(
                server,
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.timeout=300ms",
                "saf.channels.audit.retry.initial=10ms")) {
            nats.publish("1");
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            assertThat(audit.offeredIds()).containsExactly("1", "1");
            assertThat(audit.deliveredIds()).containsExactly("1");
            assertThat(requireNonNull(consumer.channel("audit")
                                    .deliveries()
                                    .handler()
                                    .lastError())
                            .error())
                    .isEqualTo("took longer than 300ms: InterruptedException");
        }
    }

    @Test
    void acknowledgesThoughTheChannelLeavesItsThreadInterrupted() {
        RecordingChannel audit =
                new RecordingChannel(event -> Thread.currentThread().interrupt());
        script("audit", audit);
        try (Consumer consumer = Consumer.start(server, "saf.channels.audit.type=scripted")) {
            nats.publish(100);
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            assertThat(audit.offered).hasSize(100);
            assertThat(consumer.metric("saf.channel.acks.unconfirmed", "audit")).isZero();
        }
    }

    @Test
    void deliversOnceWhatTakesLongerThanTheAckWait() {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        try (Consumer _ = Consumer.start(
                server,
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.ack-wait=1s",
                "saf.channels.audit.artificial-sleep=4s")) {
            nats.publish("1");
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            assertThat(audit.offeredIds()).containsExactly("1");
        }
    }

    @Test
    void aChannelThatCannotBeInterruptedHurtsOnlyItself() {
        CountDownLatch release = new CountDownLatch(1);
        script("audit", event -> {
            while (release.getCount() > 0) {
                try {
                    release.await();
                } catch (InterruptedException e) {
                    // As bad channels do.
                }
            }
        });
        RecordingChannel other = new RecordingChannel();
        script("other", other);
        try (Consumer consumer = Consumer.start(
                server,
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.concurrency=1",
                "saf.channels.audit.timeout=200ms",
                "saf.channels.other.type=scripted")) {
            nats.publish("1", "2");
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.stuck", "audit") == 1);
            nats.publish("3");
            await().atMost(PATIENCE).until(() -> other.delivered.size() == 3);
            release.countDown();
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            assertThat(consumer.metric("saf.channel.stuck", "audit")).isZero();
        }
    }

    @Test
    void countsWhatAnOperatorNeeds() {
        CountDownLatch release = new CountDownLatch(1);
        RecordingChannel audit = new RecordingChannel(event -> {
            if (event.id().equals("slow")) {
                release.await();
            }
        });
        script("audit", audit);
        try (Consumer consumer = Consumer.start(server, "saf.channels.audit.type=scripted")) {
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.running", "audit") == 1);
            nats.publish("1", "2", "slow");
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.delivered", "audit") == 2);
            assertThat(consumer.metric("saf.channel.in.flight", "audit")).isEqualTo(1);
            assertThat(consumer.metric("saf.channel.event.age", "audit")).isEqualTo(3);
            assertThat(consumer.metric("saf.channel.delivery", "audit")).isEqualTo(2);
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.backlog", "audit") == 1);
            release.countDown();
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.backlog", "audit") == 0);
            assertThat(consumer.metric("saf.channel.in.flight", "audit")).isZero();
            assertThat(consumer.management("/actuator/prometheus").body())
                    .contains("saf_channel_delivered_total{channel=\"audit\"} 3.0");
        }
    }

    @Test
    void showsHealthAndNothingThatTellsTooMuch() {
        try (Consumer consumer = Consumer.start(server, "saf.channels.audit.type=scripted")) {
            await().atMost(PATIENCE)
                    .until(() ->
                            consumer.management("/actuator/health/readiness").statusCode() == 200);
            assertThat(consumer.management("/actuator/health").body()).contains("\"audit\":{\"state\":\"running\"");
            assertThat(consumer.management("/actuator/health/liveness").statusCode())
                    .isEqualTo(200);
            assertThat(consumer.management("/actuator/info").statusCode()).isEqualTo(200);
            for (String secret : List.of("env", "heapdump", "configprops", "beans", "threaddump", "loggers")) {
                assertThat(consumer.management("/actuator/" + secret).statusCode())
                        .isEqualTo(404);
            }
        }
    }

    @Test
    void logLinesOfADeliveryCarryChannelAndEvent() {
        RecordingChannel audit = new RecordingChannel(event -> {
            if (!"audit".equals(MDC.get("saf.channel")) || !event.id().equals(MDC.get("saf.event"))) {
                throw new AssertionError("the context of log lines is missing");
            }
        });
        script("audit", audit);
        try (Consumer _ = Consumer.start(server, "saf.channels.audit.type=scripted")) {
            nats.publish(20);
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 20);
        }
    }

    @Test
    void finishesDeliveriesInFlightOnShutdownAndRepeatsNothing() {
        RecordingChannel audit =
                new RecordingChannel(event -> java.util.concurrent.locks.LockSupport.parkNanos(20_000_000));
        script("audit", audit);
        int events = 1000;
        int starts = 0;
        nats.publish(events);
        while (audit.delivered.size() < events) {
            int before = audit.delivered.size();
            try (Consumer _ =
                    Consumer.start(server, "saf.channels.audit.type=scripted", "saf.channels.audit.concurrency=16")) {
                await().atMost(PATIENCE).until(() -> audit.delivered.size() >= Math.min(events, before + 300));
            }
            starts++;
            // Whatever was begun has been finished, and the server knows.
            assertThat(audit.offered).hasSameSizeAs(audit.delivered);
            assertThat(nats.unsettled("audit")).isEqualTo(events - audit.delivered.size());
            assertThat(audit.closed).isTrue();
        }
        assertThat(starts).isGreaterThan(1);
        assertThat(audit.deliveredIds())
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.range(0, events).mapToObj(i -> "event-" + i).toList());
    }

    private static String header(Message message, String name) {
        return Objects.requireNonNullElse(
                Objects.requireNonNull(message.getHeaders()).getFirst(name), "");
    }
}
