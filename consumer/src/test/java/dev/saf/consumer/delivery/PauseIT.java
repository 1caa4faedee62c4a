package dev.saf.consumer.delivery;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.saf.channel.RejectedEventException;
import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.consumer.delivery.ChannelStatus.State;
import dev.saf.natsserver.NatsServer;
import io.nats.client.api.StreamConfiguration;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Channels that an operator pauses, and how channels say how they are. */
@Timeout(180)
class PauseIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Duration SOON = Duration.ofSeconds(2);
    private static final Duration A_WHILE = Duration.ofSeconds(2);

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Nats nats = opened.add(new Nats(server));

    private Consumer consumer(String... settings) {
        List<String> all = new ArrayList<>(List.of(settings));
        all.add("saf.channels.audit.type=scripted");
        return opened.add(Consumer.start(server, all.toArray(String[]::new)));
    }

    private static List<State> states(Consumer consumer) {
        return consumer.channel("audit").states();
    }

    @Test
    void aPauseReachesEveryReplicaAndRetriesAndSurvivesRestarts() throws Exception {
        nats.withStreams();
        RecordingChannel audit = new RecordingChannel(event -> {
            throw new IllegalStateException("not yet");
        });
        script("audit", audit);
        String[] parking = {"saf.channels.audit.retry.schedule=2s", "saf.channels.audit.retry.park-after=0s"};
        Consumer one = consumer(parking);
        Consumer two = consumer(parking);
        nats.publish("fails");
        await().atMost(PATIENCE).until(() -> audit.offered.size() == 1);
        one.channel("audit").pause();
        assertThat(states(one)).containsExactly(State.PAUSED);
        await().atMost(SOON).until(() -> states(two).contains(State.PAUSED));
        nats.publish("2", "3", "4");
        // The retry is due meanwhile.
        await().atMost(PATIENCE).until(() -> nats.due("audit") == 1);
        assertThat(one.metric("saf.channel.paused", "audit")).isEqualTo(1);
        server.kill();
        server.restart();
        one.close();
        two.close();
        Consumer third = consumer(parking);
        await().atMost(PATIENCE).until(() -> states(third).equals(List.of(State.PAUSED)));
        await().during(A_WHILE).atMost(PATIENCE).until(() -> audit.offered.size() == 1);
        assertThat(nats.unsettled("audit")).isEqualTo(3);
        Instant since = third.channel("audit").status().pausedSince();
        third.channel("audit").pause();
        assertThat(third.channel("audit").status().pausedSince()).isEqualTo(since);

        script("audit", new RecordingChannel());
        third.channel("audit").resume();
        third.channel("audit").resume();
        await().atMost(SOON).until(() -> audit.offered.size() == 5);
        assertThat(states(third)).containsExactly(State.RUNNING);
    }

    @Test
    void resumedMeansFlowingWithinTwoSecondsOnEveryReplica() throws Exception {
        nats.withStreams();
        CountDownLatch both = new CountDownLatch(2);
        script("audit", event -> {
            both.countDown();
            both.await();
        });
        Consumer one = consumer("saf.channels.audit.concurrency=1");
        Consumer two = consumer("saf.channels.audit.concurrency=1");
        await().atMost(PATIENCE).until(() -> states(one).equals(List.of(State.RUNNING)));
        one.channel("audit").pause();
        await().atMost(SOON).until(() -> states(two).equals(List.of(State.PAUSED)));
        nats.publish("1", "2");
        await().during(Duration.ofSeconds(1)).atMost(PATIENCE).until(() -> both.getCount() == 2);
        one.channel("audit").resume();
        // Each replica has one of the two.
        await().atMost(SOON).until(() -> both.getCount() == 0);
    }

    @Test
    void eventsThatHaveComeAreKeptThroughAPauseWithoutAnAttempt() throws Exception {
        nats.withStreams();
        CountDownLatch first = new CountDownLatch(1);
        RecordingChannel audit = new RecordingChannel(event -> {
            if (event.id().equals("1")) {
                first.await();
            }
            if (event.id().equals("2")) {
                throw new RejectedEventException("rejected");
            }
        });
        script("audit", audit);
        Consumer consumer = consumer("saf.channels.audit.concurrency=1", "saf.channels.audit.ack-wait=1s");
        nats.publish("1");
        await().atMost(PATIENCE).until(() -> audit.offered.size() == 1);
        RunningChannel channel = consumer.channel("audit");
        channel.pause();
        nats.publish("2");
        await().during(A_WHILE).atMost(PATIENCE).until(() -> audit.offered.size() == 1);
        first.countDown();
        await().during(A_WHILE).atMost(PATIENCE).until(() -> audit.offered.size() == 1);
        channel.resume();
        await().atMost(SOON).until(() -> audit.offered.size() == 2);
        await().atMost(PATIENCE).until(() -> nats.deadLetters().size() == 1);
        assertThat(nats.deadLetters().getFirst().getHeaders().getFirst("Saf-Attempts"))
                .isEqualTo("1");
    }

    @Test
    void pausingSaysSoWhenNatsIsAwayAndChangesNothing() throws Exception {
        nats.withStreams();
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        Consumer consumer = consumer();
        await().atMost(PATIENCE).until(() -> states(consumer).equals(List.of(State.RUNNING)));
        server.kill();
        assertThatThrownBy(() -> consumer.channel("audit").pause()).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> {
                    await().until(() -> consumer.channel("audit").states().contains(State.WAITING));
                    var _ = consumer.channel("audit").status();
                })
                .isInstanceOf(IOException.class);
        server.restart();
        nats.publish("1");
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
        assertThat(states(consumer)).containsExactly(State.RUNNING);
    }

    @Test
    void deliversNothingBeforeItKnowsOfAPauseButGoesOnWithoutTheSharedState() throws Exception {
        nats.withStreams();
        // So the bucket cannot be created.
        nats.connection()
                .jetStreamManagement()
                .addStream(StreamConfiguration.builder()
                        .name("other")
                        .subjects("$KV.saf.>")
                        .build());
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        nats.publish("1");
        Consumer consumer = consumer();
        await().atMost(PATIENCE)
                .until(() -> consumer.channel("audit").condition().state() == Supply.State.RUNNING);
        assertThat(states(consumer)).containsExactly(State.WAITING);
        assertThat(consumer.channel("audit").status().problem()).isEqualTo("does not know yet whether it is paused");
        await().during(Duration.ofSeconds(8)).atMost(PATIENCE).until(audit.offered::isEmpty);
        await().atMost(Duration.ofSeconds(6)).until(() -> audit.delivered.size() == 1);
        assertThat(states(consumer)).containsExactly(State.RUNNING);
    }

    @Test
    void tellsHowAChannelIs() throws Exception {
        nats.withStreams();
        CountDownLatch end = new CountDownLatch(1);
        script("audit", event -> {
            switch (event.id()) {
                case "rejected" -> throw new RejectedEventException("not mine");
                case "parked" -> throw new IOException("nobody there");
                case "waits" -> end.await();
                default -> {}
            }
        });
        Consumer consumer = consumer(
                "saf.channels.audit.retry.schedule=1h",
                "saf.channels.audit.concurrency=1",
                "saf.channels.audit.timeout=1m");
        nats.publish("delivered", "rejected", "parked");
        await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.parked", "audit") == 1);
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        Instant before = Instant.now();
        nats.publish("waits");
        await().atMost(PATIENCE)
                .until(() -> consumer.channel("audit").deliveries().admission().running() == 1);
        nats.publish("first behind", "second behind");
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 3);
        // Rates are from looks a second apart.
        await().atMost(PATIENCE)
                .until(() -> consumer.channel("audit").status().rates().delivered() > 0);
        ChannelStatus status = consumer.channel("audit").status();
        assertThat(status.name()).isEqualTo("audit");
        assertThat(status.state()).isEqualTo(State.RUNNING);
        assertThat(status.problem()).isNull();
        assertThat(status.deliveries()).isEqualTo(new ChannelStatus.Deliveries(1, 0, 0, null, null));
        assertThat(status.stored().backlog()).isEqualTo(3);
        assertThat(status.stored().parked()).isEqualTo(1);
        assertThat(status.stored().due()).isZero();
        assertThat(status.stored().dead()).isEqualTo(1);
        assertThat(status.stored().oldestWaiting())
                .isBetween(before.minusSeconds(1), Instant.now().plusSeconds(1));
        assertThat(status.rates().failed()).isPositive();
        assertThat(status.lastError()).isNotNull().satisfies(error -> {
            assertThat(error.error()).isEqualTo("IOException: nobody there");
            assertThat(error.time()).isBefore(Instant.now().plusMillis(1));
        });
        end.countDown();
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
    }

    @Test
    void aDurablePausedOnTheServerShowsAsPaused() throws Exception {
        nats.withStreams();
        script("audit", new RecordingChannel());
        Consumer consumer = consumer();
        await().atMost(PATIENCE).until(() -> states(consumer).equals(List.of(State.RUNNING)));
        nats.connection()
                .jetStreamManagement()
                .pauseConsumer(
                        "events", "saf-audit", ZonedDateTime.now(ZoneOffset.UTC).plusHours(1));
        await().atMost(PATIENCE).until(() -> consumer.channel("audit").status().state() == State.PAUSED);
        assertThat(consumer.channel("audit").status().pausedSince()).isNull();
        assertThat(consumer.channel("audit").status().problem()).contains("nats consumer resume");
        var _ = nats.connection().jetStreamManagement().resumeConsumer("events", "saf-audit");
        await().atMost(PATIENCE).until(() -> consumer.channel("audit").status().state() == State.RUNNING);
    }
}
