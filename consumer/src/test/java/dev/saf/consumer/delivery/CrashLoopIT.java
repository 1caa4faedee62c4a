package dev.saf.consumer.delivery;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.channel.RejectedEventException;
import dev.saf.consumer.Consumer;
import dev.saf.consumer.ConsumerApplication;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.natsserver.NatsServer;
import io.nats.client.JetStreamApiException;
import io.nats.client.Message;
import io.nats.client.PullSubscribeOptions;
import io.nats.client.api.AckPolicy;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.KeyValueConfiguration;
import io.nats.client.api.StreamConfiguration;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Events that kill the process that delivers them, and their neighbours. */
class CrashLoopIT {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int HALTED = 77;
    private static final String[] AUDIT = {"saf.channels.audit.type=scripted", "saf.channels.audit.ack-wait=1s"};
    private static final String[] BILLING = {"saf.channels.billing.type=scripted", "saf.channels.billing.ack-wait=1s"};

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Nats nats = opened.add(new Nats(server).withStreams());
    private final List<Process> children = new ArrayList<>();

    @TempDir
    Path folder = Path.of("");

    @BeforeEach
    void forget() {
        script("audit", new RecordingChannel());
        script("billing", new RecordingChannel());
    }

    @AfterEach
    void close() throws Exception {
        children.forEach(Process::destroyForcibly);
    }

    @Test
    void anEventThatKillsTheProcessEachTimeBecomesADeadLetterAndNoNeighbourWithIt() throws Exception {
        List<String> healthy =
                IntStream.range(0, 11).mapToObj(i -> "healthy-" + i).toList();
        nats.publish("healthy-0", "healthy-1", "healthy-2", "healthy-3", "killer-audit");
        nats.publish(healthy.subList(4, 11).toArray(String[]::new));
        int crashes = crashUntilSettled(List.of("audit"), AUDIT);
        assertThat(crashes).isBetween(4, 6);
        assertThat(delivered())
                .containsAll(healthy.stream().map(id -> "audit " + id).toList());
        assertThat(delivered()).doesNotContain("audit killer-audit").hasSize(11);
        assertThat(nats.deadLetters()).singleElement().satisfies(letter -> {
            assertThat(letter.getSubject()).startsWith("dead-letters.audit.5.");
            assertThat(letter.getHeaders().getFirst("Saf-Message-Id")).isEqualTo("shop/killer-audit");
            assertThat(letter.getHeaders().getFirst("Saf-Reason")).isEqualTo("crash-loop");
            assertThat(letter.getHeaders().getFirst("Saf-Error"))
                    .isEqualTo("the process died 2 times while it delivered this event with nothing beside it");
        });
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(marks()).isEmpty());
    }

    @Test
    void twoChannelsWithAKillerEachLoseJustThat() throws Exception {
        nats.publish("healthy-0", "killer-audit", "healthy-1", "killer-billing", "healthy-2");
        String[] both = Arrays.copyOf(AUDIT, AUDIT.length + BILLING.length);
        System.arraycopy(BILLING, 0, both, AUDIT.length, BILLING.length);
        int crashes = crashUntilSettled(List.of("audit", "billing"), both);
        assertThat(crashes).isBetween(4, 8);
        assertThat(nats.deadLetters())
                .extracting(Message::getSubject)
                .containsExactlyInAnyOrder(
                        "dead-letters.audit.2.orders.placed", "dead-letters.billing.4.orders.placed");
        assertThat(delivered())
                .contains(
                        "audit healthy-0",
                        "audit healthy-1",
                        "audit killer-billing",
                        "audit healthy-2",
                        "billing healthy-0",
                        "billing killer-audit",
                        "billing healthy-1",
                        "billing healthy-2")
                .doesNotContain("audit killer-audit", "billing killer-billing");
    }

    @Test
    void aSuspectIsDeliveredWithNothingBesideItInAnyChannelAndItsMarkIsGoneAfterwards() throws Exception {
        AtomicInteger running = new AtomicInteger();
        Queue<Integer> beside = new ConcurrentLinkedQueue<>();
        Queue<String> marks = new ConcurrentLinkedQueue<>();
        RecordingChannel audit = new RecordingChannel(event -> {
            running.incrementAndGet();
            LockSupport.parkNanos(20_000_000);
            if (event.id().equals("suspect")) {
                marks.addAll(marks());
                for (int i = 0; i < 20; i++) {
                    beside.add(running.get());
                    LockSupport.parkNanos(10_000_000);
                }
            }
            running.decrementAndGet();
        });
        RecordingChannel billing = new RecordingChannel(event -> {
            running.incrementAndGet();
            LockSupport.parkNanos(20_000_000);
            running.decrementAndGet();
        });
        script("audit", audit);
        script("billing", billing);
        nats.publish("suspect");
        handOut("audit", 3);
        nats.publish(300);
        try (Consumer consumer = Consumer.start(
                server,
                AUDIT[0],
                AUDIT[1],
                "saf.channels.audit.concurrency=2",
                BILLING[0],
                BILLING[1],
                "saf.channels.billing.concurrency=2")) {
            await().atMost(PATIENCE).until(() -> audit.deliveredIds().contains("suspect"));
            assertThat(billing.delivered).as("events that wait").hasSizeLessThan(300);
            assertThat(beside).isNotEmpty().containsOnly(1);
            assertThat(marks)
                    .singleElement()
                    .satisfies(mark -> assertThat(mark)
                            .startsWith("trial.audit.events.1.")
                            .contains("{\"deaths\":0,\"running\":\""));
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0 && nats.unsettled("billing") == 0);
            assertThat(audit.offered).hasSize(301);
            assertThat(consumer.metric("saf.channel.trials", "audit")).isEqualTo(1);
            assertThat(consumer.metric("saf.channel.trials", "billing")).isZero();
            await().atMost(PATIENCE).untilAsserted(() -> assertThat(marks()).isEmpty());
        }
    }

    @Test
    void failuresThatCanNeitherBeParkedNorBecomeDeadLettersMakeNoSuspects() throws Exception {
        RecordingChannel audit = new RecordingChannel(event -> {
            throw new IllegalStateException("not yet");
        });
        RecordingChannel billing = new RecordingChannel(event -> {
            throw new RejectedEventException("never");
        });
        script("audit", audit);
        script("billing", billing);
        nats.refuseAll("dead-letters", true);
        try (Consumer consumer = Consumer.start(
                server,
                AUDIT[0],
                "saf.channels.audit.retry.schedule=20ms",
                "saf.channels.audit.retry.attempts=1000",
                BILLING[0],
                "saf.channels.billing.retry.schedule=20ms",
                "saf.channels.billing.retry.attempts=1000")) {
            nats.refuseAll("later", true);
            nats.publish("1", "2");
            // A dead letter that could not be stored is tried again after five seconds, whatever the schedule.
            int often = 2 * (Settlement.MAX_HANDED_OUT + 2);
            await().atMost(Duration.ofMinutes(1))
                    .until(() -> audit.offered.size() >= often && billing.offered.size() >= often);
            assertThat(consumer.metric("saf.channel.parking.failures", "audit")).isPositive();
            assertThat(consumer.metric("saf.channel.dead.letter.failures", "billing"))
                    .isPositive();
            assertThat(consumer.metric("saf.channel.trials", "audit")).isZero();
            assertThat(consumer.metric("saf.channel.trials", "billing")).isZero();
        }
    }

    @Test
    void aDeliveryThatDoesNotEndStopsNoOtherChannelForLong() throws Exception {
        CountDownLatch slow = new CountDownLatch(1);
        RecordingChannel audit = new RecordingChannel();
        RecordingChannel billing = new RecordingChannel(event -> {
            if (event.id().equals("slow")) {
                slow.await();
            }
        });
        script("audit", audit);
        script("billing", billing);
        nats.publish("suspect");
        handOut("audit", 3);
        nats.publish("slow");
        try (Consumer consumer = Consumer.start(server, AUDIT[0], AUDIT[1], BILLING[0], BILLING[1])) {
            await().atMost(PATIENCE).until(() -> billing.offeredIds().contains("slow"));
            await().atMost(PATIENCE)
                    .until(() -> consumer.bean(Surroundings.class).trials().isAlone());
            nats.publish("later");
            await().atMost(Duration.ofSeconds(8))
                    .until(() -> audit.deliveredIds().contains("later")
                            && billing.deliveredIds().contains("later"));
            assertThat(audit.offeredIds()).doesNotContain("suspect");
            slow.countDown();
            await().atMost(PATIENCE).until(() -> audit.deliveredIds().contains("suspect"));
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            assertThat(audit.deliveredIds()).doesNotHaveDuplicates();
        }
    }

    @Test
    void aSuspectThatCannotBeMarkedIsKeptAndNotDelivered() throws Exception {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        var bucket = nats.connection()
                .keyValueManagement()
                .create(KeyValueConfiguration.builder()
                        .name("saf")
                        .maximumValueSize(1)
                        .build());
        nats.publish("suspect");
        handOut("audit", 3);
        try (Consumer consumer = Consumer.start(server, AUDIT)) {
            await().atMost(PATIENCE)
                    .until(() -> consumer.channel("audit").deliveries().held() == 1);
            nats.publish("healthy");
            await().atMost(PATIENCE).until(() -> audit.deliveredIds().contains("healthy"));
            long handedOut = nats.consumer("audit").getDelivered().getConsumerSequence();
            // Several times the ack wait.
            await().pollDelay(Duration.ofSeconds(4)).until(() -> true);
            assertThat(nats.consumer("audit").getDelivered().getConsumerSequence())
                    .isEqualTo(handedOut);
            assertThat(nats.consumer("audit").getNumAckPending()).isEqualTo(1);
            assertThat(audit.offeredIds()).containsExactly("healthy");
            var management = nats.connection().jetStreamManagement();
            management.updateStream(
                    StreamConfiguration.builder(bucket.getBackingStreamInfo().getConfiguration())
                            .maximumMessageSize(-1)
                            .build());
            await().atMost(PATIENCE).until(() -> audit.deliveredIds().contains("suspect"));
        }
    }

    @Test
    void anEventThatKilledTwiceIsKeptUntilItCanBeADeadLetterAndNeverOfferedAgain() throws Exception {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        nats.refuseAll("dead-letters", true);
        nats.publish("killer");
        long stored = handOut("audit", 3);
        try (Consumer consumer = Consumer.start(server, BILLING)) {
            await().atMost(PATIENCE)
                    .until(() -> consumer.channel("billing").condition().state() == Supply.State.RUNNING);
            await().atMost(PATIENCE)
                    .ignoreExceptions()
                    .until(() -> mark(stored, "{\"deaths\":1,\"running\":\"other\"}") > 0);
        }
        try (Consumer consumer = Consumer.start(server, AUDIT)) {
            await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.dead.letter.failures", "audit") >= 2);
            nats.refuseAll("dead-letters", false);
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            assertThat(nats.deadLetters()).hasSize(1);
            assertThat(consumer.metric("saf.channel.dead.lettered", "audit", "reason", "crash-loop"))
                    .isEqualTo(1);
            assertThat(audit.offered).isEmpty();
            await().atMost(PATIENCE).untilAsserted(() -> assertThat(marks()).isEmpty());
        }
    }

    @Test
    void aCleanShutdownTakesTheMarkBackWhileTheSuspectIsDelivered() throws Exception {
        nats.publish("blocker");
        long stored = handOut("audit", 3);
        Process first = child(AUDIT);
        await().atMost(PATIENCE).until(() -> !marks().isEmpty());
        await().atMost(PATIENCE).until(() -> delivered().contains("audit begins blocker"));
        first.destroy();
        await().atMost(PATIENCE).until(() -> marks().isEmpty());
        assertThat(first.isAlive()).isTrue();
        // Whoever waits for the end loses patience.
        first.destroyForcibly().waitFor();
        var _ = mark(stored, "{\"deaths\":1,\"running\":null}");
        Process second = child(AUDIT);
        await().atMost(PATIENCE).until(() -> marks().getFirst().contains("{\"deaths\":1,\"running\":\""));
        second.destroy();
        await().atMost(PATIENCE).until(() -> marks().getFirst().contains("{\"deaths\":1,\"running\":null}"));
        assertThat(second.isAlive()).isTrue();
    }

    /** Starts the service again each time it halts, and returns how often that was. */
    private int crashUntilSettled(List<String> channels, String... settings) throws Exception {
        for (int crashes = 0; ; crashes++) {
            Process child = child(settings);
            await().atMost(PATIENCE)
                    .until(() ->
                            !child.isAlive() || channels.stream().allMatch(channel -> nats.unsettled(channel) == 0));
            if (child.isAlive()) {
                child.destroy();
                assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
                return crashes;
            }
            assertThat(child.exitValue()).isEqualTo(HALTED);
            assertThat(crashes).as("crashes").isLessThan(20);
        }
    }

    private Process child(String... settings) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Child.class.getName(),
                folder.resolve("delivered").toString()));
        command.addAll(List.of(Consumer.arguments(server.url(), settings)));
        Process child = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(
                        ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile()))
                .start();
        children.add(child);
        return child;
    }

    private List<String> delivered() throws IOException {
        Path file = folder.resolve("delivered");
        return Files.exists(file) ? Files.readAllLines(file) : List.of();
    }

    /** Hands out the only event so often to somebody who does not end its delivery, and returns when it was stored. */
    private long handOut(String channel, int times) throws IOException, JetStreamApiException {
        String durable = "saf-" + channel;
        nats.connection()
                .jetStreamManagement()
                .addOrUpdateConsumer(
                        "events",
                        ConsumerConfiguration.builder()
                                .durable(durable)
                                .filterSubject("events.>")
                                .ackPolicy(AckPolicy.Explicit)
                                .build());
        var subscription = nats.connection().jetStream().subscribe(null, PullSubscribeOptions.bind("events", durable));
        long stored = 0;
        for (int i = 0; i < times; i++) {
            Message message = subscription.fetch(1, Duration.ofSeconds(5)).getFirst();
            assertThat(message.metaData().streamSequence()).isEqualTo(1);
            stored = Position.of(message.getReplyTo()).storedNanos();
            message.nak();
        }
        subscription.unsubscribe();
        return stored;
    }

    private long mark(long stored, String json) throws IOException, JetStreamApiException {
        return nats.connection().keyValue("saf").put("trial.audit.events.1." + Long.toString(stored, 36), json);
    }

    /** Each with its value. */
    private List<String> marks() {
        try {
            List<String> marks = new ArrayList<>();
            var bucket = nats.connection().keyValue("saf");
            for (String key : bucket.keys("trial.>")) {
                var entry = bucket.get(key);
                if (entry != null) {
                    marks.add(key + " " + entry.getValueAsString());
                }
            }
            return marks;
        } catch (IOException | JetStreamApiException e) {
            return List.of();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return List.of();
        }
    }

    /** The service in a process of its own, whose channels meet events that are not good for them. */
    public static final class Child {

        private Child() {}

        public static void main(String[] args) {
            Path delivered = Path.of(args[0]);
            for (String channel : List.of("audit", "billing")) {
                script(channel, event -> {
                    if (event.id().equals("killer-" + channel)) {
                        Runtime.getRuntime().halt(HALTED);
                    }
                    if (event.id().equals("blocker")) {
                        write(delivered, channel + " begins " + event.id());
                        Thread.sleep(Duration.ofSeconds(25));
                    }
                    // So that all that came together die together.
                    LockSupport.parkNanos(100_000_000);
                    write(delivered, channel + " " + event.id());
                });
            }
            ConsumerApplication.main(Arrays.copyOfRange(args, 1, args.length));
        }

        private static synchronized void write(Path file, String line) {
            try {
                Files.writeString(file, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
