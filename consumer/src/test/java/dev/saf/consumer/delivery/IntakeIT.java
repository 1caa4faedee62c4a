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
import dev.saf.event.Payload;
import dev.saf.natsserver.NatsServer;
import io.nats.client.JetStreamApiException;
import io.nats.client.Message;
import io.nats.client.api.AckPolicy;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.DeliverPolicy;
import io.nats.client.api.ReplayPolicy;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** How a channel gets its events from the stream. */
class IntakeIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String AUDIT = "saf.channels.audit.type=scripted";

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final RecordingChannel audit = new RecordingChannel();
    private final Nats nats = opened.add(new Nats(server).withStreams());

    @BeforeEach
    void record() {
        script("audit", audit);
    }

    private Consumer start(String... settings) {
        Consumer consumer = Consumer.start(
                server, Stream.concat(Stream.of(AUDIT), Stream.of(settings)).toArray(String[]::new));
        await().atMost(PATIENCE).until(() -> state(consumer) == Supply.State.RUNNING);
        return consumer;
    }

    private static Supply.State state(Consumer consumer) {
        return consumer.channel("audit").condition().state();
    }

    @Test
    void aNewChannelStartsWhereDeliverSays() throws Exception {
        nats.publish(event("a", "1"));
        nats.publish(event("b", "2"));
        nats.publish(event("a", "3"));
        String second = Objects.requireNonNull(nats.connection()
                        .jetStreamManagement()
                        .getMessage("events", 2)
                        .getTime())
                .toInstant()
                .toString();
        Map<String, List<String>> expected = Map.of(
                "all", List.of("1", "2", "3", "4"),
                "new", List.of("4"),
                "last", List.of("3", "4"),
                "last-per-subject", List.of("2", "3", "4"),
                "from-sequence", List.of("2", "3", "4"),
                "from-time", List.of("2", "3", "4"));
        Map<String, RecordingChannel> channels = new HashMap<>();
        expected.keySet().forEach(name -> {
            channels.put(name, new RecordingChannel());
            script(name, Objects.requireNonNull(channels.get(name)));
        });
        try (Consumer consumer = Consumer.start(
                server,
                Stream.concat(
                                expected.keySet().stream()
                                        .flatMap(name -> Stream.of(
                                                "saf.channels." + name + ".type=scripted",
                                                "saf.channels." + name + ".deliver=" + name)),
                                Stream.of(
                                        "saf.channels.from-sequence.deliver-sequence=2",
                                        "saf.channels.from-time.deliver-time=" + second))
                        .toArray(String[]::new))) {
            await().atMost(PATIENCE)
                    .until(() -> consumer.bean(RunningChannels.class).all().stream()
                            .allMatch(each -> each.condition().state() == Supply.State.RUNNING));
            nats.publish(event("a", "4"));
            expected.forEach((name, ids) -> await(name)
                    .atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(
                                    Objects.requireNonNull(channels.get(name)).deliveredIds())
                            .containsExactlyInAnyOrderElementsOf(ids)));
        }
    }

    @Test
    void whereItStartsIsNoMatterForAChannelWhoseDurableExists() throws Exception {
        nats.publish("1");
        try (Consumer _ = start()) {
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0 && audit.delivered.size() == 1);
        }
        nats.publish("2");
        try (Consumer _ = start("saf.channels.audit.deliver=new")) {
            nats.publish("3");
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 3);
            assertThat(nats.consumer("audit").getConsumerConfiguration().getDeliverPolicy())
                    .isEqualTo(DeliverPolicy.All);
        }
    }

    @Test
    void onAStreamMadeAnewAllEventsAreNew() throws Exception {
        try (Consumer consumer = start("saf.channels.audit.deliver=new")) {
            nats.publish("1");
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0 && audit.delivered.size() == 1);
            nats.connection().jetStreamManagement().deleteStream("dead-letters");
            nats.connection().jetStreamManagement().deleteStream("events");
            await().atMost(PATIENCE).until(() -> state(consumer) != Supply.State.RUNNING);
            nats.withStreams();
            nats.publish("2");
            await().atMost(PATIENCE).until(() -> audit.deliveredIds().contains("2"));
        }
    }

    @Test
    void whatCanBeChangedOnADurableIsAndTheRestStopsTheChannel() throws Exception {
        String[] before = {
            "saf.channels.audit.sample=50",
            "saf.channels.audit.headers-only=true",
            "saf.channels.audit.replay=original",
            "saf.channels.audit.max-ack-pending=7",
            "saf.channels.audit.delivery=at-most-once",
            "saf.channels.audit.ack=all"
        };
        try (Consumer _ = start(before)) {
            ConsumerConfiguration made = configuration();
            assertThat(made.getSampleFrequency()).isEqualTo("50%");
            assertThat(made.isHeadersOnly()).isTrue();
            assertThat(made.getReplayPolicy()).isEqualTo(ReplayPolicy.Original);
            assertThat(made.getMaxAckPending()).isEqualTo(7);
            assertThat(made.getAckPolicy()).isEqualTo(AckPolicy.All);
        }
        try (Consumer _ = start(
                "saf.channels.audit.replay=original",
                "saf.channels.audit.delivery=at-most-once",
                "saf.channels.audit.ack=all")) {
            ConsumerConfiguration updated = configuration();
            assertThat(updated.getSampleFrequency()).isNull();
            assertThat(updated.isHeadersOnly()).isFalse();
            assertThat(updated.getMaxAckPending()).isEqualTo(1000);
        }
        stopsWith("has the ack policy all, and must have explicit", "saf.channels.audit.replay=original");
        stopsWith(
                "has the replay policy original, and must have instant",
                "saf.channels.audit.delivery=at-most-once",
                "saf.channels.audit.ack=all");
    }

    private ConsumerConfiguration configuration() throws IOException, JetStreamApiException {
        return nats.consumer("audit").getConsumerConfiguration();
    }

    private void stopsWith(String problem, String... settings) {
        try (Consumer consumer = Consumer.start(
                server, Stream.concat(Stream.of(AUDIT), Stream.of(settings)).toArray(String[]::new))) {
            await().atMost(PATIENCE).until(() -> state(consumer) == Supply.State.STOPPED);
            assertThat(consumer.channel("audit").condition().problem())
                    .isEqualTo("durable consumer saf-audit of stream events " + problem
                            + "; delete it (nats consumer rm events saf-audit), and it is created anew and begins where"
                            + " deliver says (all), or give the channel another name");
        }
    }

    @Test
    void aPullAsksForNoMoreThanTheBounds() throws Exception {
        Queue<JsonNode> pulls = new ConcurrentLinkedQueue<>();
        nats.connection()
                .createDispatcher(message -> pulls.add(JsonMapper.shared().readTree(message.getData())))
                .subscribe("$JS.API.CONSUMER.MSG.NEXT.events.saf-audit");
        nats.connection().flush(Duration.ofSeconds(2));
        nats.publish(50);
        try (Consumer _ = start("saf.channels.audit.max-batch=3", "saf.channels.audit.max-batch-bytes=4KB")) {
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 50);
        }
        assertThat(pulls).hasSizeGreaterThan(16).allSatisfy(pull -> {
            assertThat(pull.path("batch").intValue()).isBetween(1, 3);
            assertThat(pull.path("max_bytes").intValue()).isEqualTo(4096);
        });
    }

    @Test
    void anEventLargerThanThePullIsPulledAlone() {
        byte[] large = "x".repeat(100_000).getBytes(StandardCharsets.US_ASCII);
        nats.publish("1", "2");
        nats.publish(Event.of("orders.placed", "large", "shop", Instant.EPOCH, Payload.of(large, "text/plain")));
        nats.publish("3");
        try (Consumer _ = start("saf.channels.audit.max-batch-bytes=1KB")) {
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 4);
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        }
        assertThat(audit.deliveredIds()).containsExactlyInAnyOrder("1", "2", "large", "3");
    }

    @Test
    void eventsComeWithoutPayloadButWhatIsKeptHasIt() {
        RecordingChannel failing = new RecordingChannel(event -> {
            throw new IllegalStateException("not today");
        });
        script("audit", failing);
        Event sent = event("orders.placed", "1");
        nats.publish(sent);
        try (Consumer consumer = start(
                "saf.channels.audit.headers-only=true",
                "saf.channels.audit.retry.schedule=10ms",
                "saf.channels.audit.retry.attempts=2",
                "saf.channels.audit.retry.park-after=0s")) {
            await().atMost(PATIENCE).until(() -> !nats.deadLetters().isEmpty());
            assertThat(consumer.metric("saf.channel.parked", "audit")).isEqualTo(1);
        }
        assertThat(failing.offered).hasSize(2).allSatisfy(event -> {
            assertThat(event.payload().bytes()).isEmpty();
            assertThat(event.payload().contentType()).isEqualTo("application/json");
        });
        Message letter = nats.deadLetters().getFirst();
        assertThat(letter.getData()).isEqualTo(sent.payload().bytes());
        assertThat(letter.getHeaders().keySet()).doesNotContain("Nats-Msg-Size");
    }

    @Test
    void waitingEventsComeInTheRhythmInWhichTheyWereStored() {
        Queue<Long> times = new ConcurrentLinkedQueue<>();
        script("audit", event -> times.add(System.nanoTime()));
        nats.publish("1");
        await().pollDelay(Duration.ofMillis(1200)).until(() -> true);
        nats.publish("2");
        try (Consumer _ = start("saf.channels.audit.replay=original")) {
            await().atMost(PATIENCE).until(() -> times.size() == 2);
        }
        long first = Objects.requireNonNull(times.poll());
        assertThat(Duration.ofNanos(Objects.requireNonNull(times.poll()) - first))
                .isGreaterThan(Duration.ofSeconds(1));
    }
}
