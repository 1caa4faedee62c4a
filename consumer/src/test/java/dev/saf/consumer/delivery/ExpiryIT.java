package dev.saf.consumer.delivery;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.natsserver.NatsServer;
import io.nats.client.Message;
import io.nats.client.PullSubscribeOptions;
import io.nats.client.api.ConsumerConfiguration;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Events that wait until their stream drops them. */
class ExpiryIT {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String[] SETTINGS = {
        "saf.channels.audit.type=scripted",
        "saf.channels.audit.concurrency=2",
        "saf.streams.events.max-age=10s",
        "saf.streams.events.duplicate-window=1s"
    };

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Nats nats = opened.add(new Nats(server));

    private Consumer start(String... more) {
        Consumer consumer = Consumer.start(
                server, Stream.concat(Stream.of(SETTINGS), Stream.of(more)).toArray(String[]::new));
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        return consumer;
    }

    private void awaitEmptyStream() {
        await().atMost(PATIENCE)
                .until(() -> nats.connection()
                                .jetStreamManagement()
                                .getStreamInfo("events")
                                .getStreamState()
                                .getMsgCount()
                        == 0);
    }

    private List<String> dead() {
        List<String> ids = new ArrayList<>();
        for (Message letter : nats.deadLetters()) {
            assertThat(letter.getHeaders().getFirst("Saf-Reason")).isEqualTo("expiring");
            ids.add(letter.getHeaders().getFirst("ce-id"));
        }
        return ids;
    }

    private static List<String> ids(int count) {
        return IntStream.range(0, count).mapToObj(i -> "event-" + i).toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "key"})
    void noEventOfAPausedChannelVanishes(String ordering) throws Exception {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        try (Consumer consumer = start("saf.channels.audit.ordering=" + ordering)) {
            consumer.channel("audit").pause();
            nats.publish(300);
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.oldest.age", "audit") > 1);
            awaitEmptyStream();
            assertThat(consumer.metric("saf.channel.dead.lettered", "audit", "reason", "expiring"))
                    .isEqualTo(300);
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.oldest.age", "audit") == 0);
            consumer.channel("audit").resume();
            nats.publish("last");
            await().atMost(PATIENCE).until(() -> audit.deliveredIds().contains("last"));
        }
        assertThat(dead()).containsExactlyInAnyOrderElementsOf(ids(300));
        assertThat(audit.offeredIds()).containsExactly("last");
        Message letter = nats.deadLetters().getFirst();
        assertThat(letter.getHeaders().getFirst("Saf-Attempts")).isEqualTo("0");
        assertThat(letter.getHeaders().getFirst("Saf-Error")).startsWith("not delivered since 20");
    }

    @Test
    void noEventOfAChannelThatCannotKeepUpVanishes() {
        CountDownLatch never = new CountDownLatch(1);
        RecordingChannel audit = new RecordingChannel(event -> never.await());
        script("audit", audit);
        try (Consumer consumer = start()) {
            nats.publish(100);
            await().atMost(PATIENCE)
                    .until(() -> consumer.metric("saf.channel.dead.lettered", "audit", "reason", "expiring") == 98);
            never.countDown();
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            assertThat(audit.deliveredIds()).containsExactlyInAnyOrder("event-0", "event-1");
        }
        assertThat(dead()).hasSize(98).doesNotContain("event-0", "event-1");
    }

    @Test
    void whatTheChannelCanStillHaveIsDelivered() {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        try (Consumer _ = start()) {
            nats.publish(100);
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 100);
        }
        CountDownLatch open = new CountDownLatch(1);
        RecordingChannel later = new RecordingChannel(event -> open.await());
        script("audit", later);
        nats.publish("waits-0", "waits-1", "waits-2");
        try (Consumer consumer = Consumer.start(server, SETTINGS)) {
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.oldest.age", "audit") > 6);
            open.countDown();
            await().atMost(PATIENCE).until(() -> later.delivered.size() == 3);
            awaitEmptyStream();
        }
        assertThat(nats.deadLetters()).isEmpty();
    }

    @Test
    void whatAProcessHadWhenItDiedDoesNotVanishThoughTheChannelIsPaused() throws Exception {
        script("audit", new RecordingChannel());
        try (Consumer consumer = start()) {
            consumer.channel("audit").pause();
            var management = nats.connection().jetStreamManagement();
            management.addOrUpdateConsumer(
                    "events",
                    ConsumerConfiguration.builder(nats.consumer("audit").getConsumerConfiguration())
                            .ackWait(Duration.ofSeconds(1))
                            .build());
            nats.publish(5);
            var another =
                    nats.connection().jetStream().subscribe(null, PullSubscribeOptions.bind("events", "saf-audit"));
            assertThat(another.fetch(5, Duration.ofSeconds(2))).hasSize(5);
            another.unsubscribe();
            awaitEmptyStream();
        }
        assertThat(dead()).containsExactlyInAnyOrderElementsOf(ids(5));
    }

    @Test
    void whatCannotBecomeADeadLetterYetIsKeptUntilItCan() throws Exception {
        script("audit", new RecordingChannel());
        try (Consumer consumer = start()) {
            consumer.channel("audit").pause();
            var management = nats.connection().jetStreamManagement();
            var deadLetters = management.getStreamInfo("dead-letters").getConfiguration();
            management.deleteStream("dead-letters");
            nats.publish(5);
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.dead.letter.failures", "audit") > 0);
            if (!management.getStreamNames().contains("dead-letters")) {
                management.addStream(deadLetters);
            }
            awaitEmptyStream();
            assertThat(consumer.metric("saf.channel.held", "audit")).isZero();
        }
        assertThat(dead()).containsExactlyInAnyOrderElementsOf(ids(5));
    }
}
