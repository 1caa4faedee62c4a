package dev.saf.consumer.delivery;

import static dev.saf.consumer.Nats.event;
import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.channel.RejectedEventException;
import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.consumer.Replica;
import dev.saf.jetstream.EventMessages;
import dev.saf.natsserver.NatsServer;
import io.nats.client.Message;
import io.nats.client.api.AckPolicy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Channels that get an event once, whatever comes of it; from the stream and from core NATS. */
class AtMostOnceIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Nats nats = opened.add(new Nats(server).withStreams());

    private Consumer start(String... settings) {
        Consumer consumer = Consumer.start(
                server,
                Stream.concat(
                                Stream.of(
                                        "saf.channels.audit.type=scripted", "saf.channels.audit.delivery=at-most-once"),
                                Stream.of(settings))
                        .toArray(String[]::new));
        await().atMost(PATIENCE)
                .until(() -> consumer.channel("audit").condition().state() == Supply.State.RUNNING);
        return consumer;
    }

    @ParameterizedTest
    @EnumSource(Intake.Ack.class)
    void whatFailsIsDroppedAndCountedAndNeverKept(Intake.Ack ack) throws Exception {
        RecordingChannel audit = new RecordingChannel(event -> {
            if (event.id().equals("fails")) {
                throw new IllegalStateException("no");
            } else if (event.id().equals("rejected")) {
                throw new RejectedEventException("never");
            }
        });
        script("audit", audit);
        nats.publish("fails", "rejected");
        nats.publishRaw("events.orders.placed", null, "no event".getBytes(StandardCharsets.UTF_8));
        nats.publish("taken");
        try (Consumer consumer = start("saf.channels.audit.ack=" + Intake.text(ack))) {
            await().atMost(PATIENCE).until(() -> audit.deliveredIds().contains("taken"));
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.dropped", "audit") == 3);
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            assertThat(consumer.metric("saf.channel.failed", "audit")).isEqualTo(2);
            assertThat(consumer.metric("saf.channel.retried", "audit")).isZero();
            assertThat(nats.consumer("audit").getConsumerConfiguration().getAckPolicy())
                    .isEqualTo(AckPolicy.get(Intake.text(ack)));
            // Nothing stays behind for an answer that nobody gives.
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.in.flight", "audit") == 0);
            nats.publish("taken as well");
            await().atMost(PATIENCE).until(() -> audit.deliveredIds().contains("taken as well"));
        }
        assertThat(audit.offeredIds()).containsExactlyInAnyOrder("fails", "rejected", "taken", "taken as well");
        assertThat(nats.deadLetters()).isEmpty();
    }

    @Test
    void anEventIsAcknowledgedBeforeItIsOffered() {
        CountDownLatch go = new CountDownLatch(1);
        RecordingChannel audit = new RecordingChannel(event -> go.await());
        script("audit", audit);
        nats.publish("1", "2", "3");
        try (Consumer consumer = start("saf.channels.audit.ack-wait=1s")) {
            await().atMost(PATIENCE).until(() -> audit.offered.size() == 3);
            assertThat(nats.unsettled("audit")).isZero();
            go.countDown();
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 3);
            assertThat(consumer.metric("saf.channel.dropped", "audit")).isZero();
        }
        assertThat(audit.offered).hasSize(3);
    }

    @Test
    void anEventIsNotOfferedWhileNobodyConfirmsItsAcknowledgement() {
        CountDownLatch go = new CountDownLatch(1);
        RecordingChannel audit = new RecordingChannel(event -> go.await());
        script("audit", audit);
        try (Consumer consumer = start("saf.channels.audit.concurrency=1", "saf.channels.audit.ack-wait=5s")) {
            nats.publish("1", "2");
            await().atMost(PATIENCE).until(() -> audit.offered.size() == 1);
            server.kill();
            go.countDown();
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
            server.restart();
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 2);
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            assertThat(consumer.metric("saf.channel.dropped", "audit")).isZero();
        }
        assertThat(audit.offeredIds()).containsExactly("1", "2");
    }

    @Test
    void aKilledProcessRepeatsNothing(@TempDir Path folder) throws Exception {
        int events = 2000;
        nats.publish(events);
        List<Replica> all = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            Replica replica = Replica.start(
                    server,
                    folder,
                    "replica-" + i,
                    Duration.ofMillis(20),
                    "saf.channels.audit.delivery=at-most-once",
                    "saf.channels.audit.ack-wait=1s");
            all.add(replica);
            await().atMost(PATIENCE).until(() -> replica.offered().size() > 200 || nats.unsettled("audit") == 0);
            if (i == 2) {
                await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            }
            replica.kill();
        }
        List<String> offered =
                all.stream().flatMap(each -> each.offered().stream()).toList();
        assertThat(offered).doesNotHaveDuplicates().hasSizeGreaterThan(events - 3 * 64);
    }

    @Test
    void aCoreChannelGetsWhatIsPublishedWhileItListensAndNothingElse() throws Exception {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        nats.publish("before");
        try (Consumer one = start("saf.channels.audit.mode=core", "saf.channels.audit.subjects=orders.*");
                Consumer other = start("saf.channels.audit.mode=core", "saf.channels.audit.subjects=orders.*")) {
            assertThat(one.management("/actuator/health/readiness").statusCode())
                    .isEqualTo(200);
            awaitListening(one, other);
            nats.publish(100);
            nats.publish(event("rides.ended", "other subject"));
            await().atMost(PATIENCE).until(() -> ids(audit, "event-").size() == 100);
            assertThat(ids(audit, "event-")).doesNotHaveDuplicates();
            assertThat(nats.connection().jetStreamManagement().getConsumerNames("events"))
                    .isEmpty();
            assertThat(nats.connection().jetStreamManagement().getConsumerNames("later"))
                    .isEmpty();
            server.kill();
            server.restart();
            await().atMost(PATIENCE).untilAsserted(() -> {
                nats.publish("after the restart");
                assertThat(audit.deliveredIds()).contains("after the restart");
            });
        }
        assertThat(audit.deliveredIds()).doesNotContain("before", "other subject");
    }

    @Test
    void aPausedCoreChannelGetsNothingAndThenWhatIsNew() throws Exception {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        try (Consumer consumer = start("saf.channels.audit.mode=core")) {
            awaitListening(consumer);
            consumer.channel("audit").pause();
            nats.publish("during");
            await().during(Duration.ofMillis(500))
                    .atMost(PATIENCE)
                    .until(() -> !audit.offeredIds().contains("during"));
            consumer.channel("audit").resume();
            awaitListening(consumer);
            assertThat(audit.deliveredIds()).doesNotContain("during");
        }
    }

    /** Others may still be on their way. */
    private static List<String> ids(RecordingChannel channel, String prefix) {
        return channel.offeredIds().stream().filter(id -> id.startsWith(prefix)).toList();
    }

    /** Publishes until each of them has got something more. */
    private void awaitListening(Consumer... consumers) {
        for (Consumer each : consumers) {
            double before = each.metric("saf.channel.delivered", "audit");
            await().atMost(PATIENCE).until(() -> {
                nats.publish(event("orders.placed", UUID.randomUUID().toString()));
                return each.metric("saf.channel.delivered", "audit") > before;
            });
        }
    }

    @Test
    void aCoreChannelDropsWhatItHasNoPlaceForAndAnswersNobody() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        RecordingChannel audit = new RecordingChannel(event -> {
            if (event.id().startsWith("waits")) {
                go.await();
            }
        });
        script("audit", audit);
        try (Consumer consumer = start(
                "saf.channels.audit.mode=core", "saf.channels.audit.concurrency=2", "saf.channels.audit.ack-wait=1s")) {
            awaitListening(consumer);
            nats.publish("last before");
            await().atMost(PATIENCE).until(() -> audit.deliveredIds().contains("last before"));
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.in.flight", "audit") == 0);
            Queue<String> answers = new ConcurrentLinkedQueue<>();
            String inbox = nats.connection().createInbox();
            nats.connection()
                    .createDispatcher(
                            (Message answer) -> answers.add(new String(answer.getData(), StandardCharsets.UTF_8)))
                    .subscribe(inbox);
            var sent = event("orders.placed", "waits-1");
            nats.connection()
                    .publish(
                            "events.orders.placed",
                            inbox,
                            EventMessages.headers(sent),
                            sent.payload().bytes());
            nats.publish("waits-2", "3", "4", "5");
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.dropped", "audit") == 3);
            assertThat(ids(audit, "waits")).containsExactlyInAnyOrder("waits-1", "waits-2");
            // Longer than it takes to tell the server that a delivery is still alive.
            await().pollDelay(Duration.ofMillis(1500)).until(() -> true);
            go.countDown();
            await().atMost(PATIENCE).until(() -> audit.deliveredIds().containsAll(List.of("waits-1", "waits-2")));
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.in.flight", "audit") == 0);
            // Only the stream's own, to whoever published.
            assertThat(answers).singleElement().asString().contains("\"stream\":\"events\"");
        }
    }
}
