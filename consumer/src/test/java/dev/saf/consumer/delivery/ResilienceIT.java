package dev.saf.consumer.delivery;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.Consumer;
import dev.saf.consumer.ConsumerApplication;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.natsserver.NatsServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

class ResilienceIT {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration RESUME = Duration.ofSeconds(5);

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());

    private Nats nats() throws Exception {
        return opened.add(new Nats(server));
    }

    private Consumer consumer(String... settings) {
        return opened.add(Consumer.start(server, settings));
    }

    @Test
    void consumptionResumesAfterEachOfTwentyRestartsOfNats() throws Exception {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        Nats nats = nats().withStreams();
        consumer("saf.channels.audit.type=scripted");
        nats.publish("first");
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
        for (int i = 0; i < 20; i++) {
            server.kill();
            server.restart();
            String id = "after-restart-" + i;
            nats.publish(id);
            await("restart " + i)
                    .atMost(RESUME)
                    .pollInterval(Duration.ofMillis(5))
                    .until(() -> audit.deliveredIds().contains(id));
        }
        // Killed servers may have forgotten an acknowledgement; the process has not.
        assertThat(audit.deliveredIds()).doesNotHaveDuplicates();
    }

    @Test
    void startsThoughNatsComesLast() throws Exception {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        server.stop();
        Consumer consumer = consumer("saf.channels.audit.type=scripted");
        assertThat(consumer.channel("audit").condition().state()).isEqualTo(Supply.State.WAITING);
        assertThat(consumer.management("/actuator/health/readiness").statusCode())
                .isEqualTo(503);
        assertThat(consumer.management("/actuator/health/liveness").statusCode())
                .isEqualTo(200);
        assertThat(consumer.metric("saf.channel.running", "audit")).isZero();
        server.restart();
        await().atMost(PATIENCE)
                .until(() -> consumer.channel("audit").condition().state() == Supply.State.RUNNING);
        nats().publish("1");
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
        await().atMost(PATIENCE)
                .until(() -> consumer.management("/actuator/health/readiness").statusCode() == 200);
    }

    @Test
    void goesOnAfterNatsWasFrozen() throws Exception {
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        Nats nats = nats().withStreams();
        Consumer consumer = consumer("saf.channels.audit.type=scripted");
        nats.publish("before");
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
        server.freeze();
        // Two signs of life are missed after at most fifteen seconds.
        await().atMost(PATIENCE)
                .until(() -> consumer.channel("audit").condition().state() == Supply.State.WAITING);
        server.thaw();
        nats.publish("after");
        await().atMost(PATIENCE).until(() -> audit.deliveredIds().contains("after"));
        assertThat(audit.deliveredIds()).containsExactly("before", "after");
    }

    @Test
    void aLostAcknowledgementDoesNotCallTheChannelTwice() throws Exception {
        Nats nats = nats().withStreams();
        RecordingChannel audit = new RecordingChannel(event -> {
            // NATS goes away while the channel is at work, so its acknowledgement cannot be sent.
            server.kill();
        });
        script("audit", audit);
        Consumer consumer = consumer("saf.channels.audit.type=scripted", "saf.channels.audit.ack-wait=1s");
        nats.publish("1");
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
        server.restart();
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        assertThat(audit.offeredIds()).containsExactly("1");
        assertThat(consumer.metric("saf.channel.acks.unconfirmed", "audit")
                        + consumer.metric("saf.channel.duplicates.suppressed", "audit"))
                .isPositive();
    }

    @Test
    void anEventThatComesAgainThoughDeliveredIsNotOfferedAgain() throws Exception {
        Nats nats = nats().withStreams();
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        Consumer consumer = consumer("saf.channels.audit.type=scripted");
        nats.publish("1", "2");
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0 && audit.delivered.size() == 2);
        // A server that forgets every acknowledgement.
        var management = nats.connection().jetStreamManagement();
        var configuration = nats.consumer("audit").getConsumerConfiguration();
        management.deleteConsumer("events", "saf-audit");
        management.createConsumer("events", configuration);
        await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.duplicates.suppressed", "audit") == 2);
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        assertThat(audit.offered).hasSize(2);
    }

    @Test
    void deliversTheEventsOfAStreamThatWasMadeAnew() throws Exception {
        Nats nats = nats().withStreams();
        RecordingChannel audit = new RecordingChannel();
        script("audit", audit);
        consumer("saf.channels.audit.type=scripted");
        nats.publish("1", "2");
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0 && audit.delivered.size() == 2);
        nats.connection().jetStreamManagement().deleteStream("events");
        nats.connection().jetStreamManagement().deleteStream("dead-letters");
        nats.withStreams();
        nats.publish("other-1", "other-2");
        await().atMost(PATIENCE)
                .untilAsserted(() ->
                        assertThat(audit.deliveredIds()).containsExactlyInAnyOrder("1", "2", "other-1", "other-2"));
    }

    @Test
    void aKilledConsumerLosesNothing(@TempDir Path folder) throws Exception {
        Nats nats = nats().withStreams();
        Path delivered = Files.createFile(folder.resolve("delivered"));
        int events = 3000;
        nats.publish(events);
        for (int kills = 0; kills < 3; kills++) {
            long before = lines(delivered).size();
            Process child = child(folder, delivered);
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> lines(delivered).size() >= Math.min(events, before + 300));
            child.destroyForcibly().waitFor();
        }
        Process last = child(folder, delivered);
        await().atMost(Duration.ofSeconds(90)).until(() -> nats.unsettled("audit") == 0);
        last.destroyForcibly().waitFor();
        assertThat(new HashSet<>(lines(delivered)))
                .containsAll(
                        IntStream.range(0, events).mapToObj(i -> "event-" + i).toList());
        assertThat(lines(delivered)).hasSizeLessThan(events + 3 * 64 + 1);
    }

    private Process child(Path folder, Path delivered) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Child.class.getName(),
                delivered.toString()));
        command.addAll(List.of(Consumer.arguments(
                server.url(), "saf.channels.audit.type=scripted", "saf.channels.audit.ack-wait=2s")));
        Process child = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile())
                .start();
        opened.add(child::destroyForcibly);
        return child;
    }

    private static List<String> lines(Path file) throws IOException {
        return Files.readAllLines(file);
    }

    /** The service in a process of its own, with a channel that writes ids to a file. */
    public static final class Child {

        private Child() {}

        public static void main(String[] args) {
            Path delivered = Path.of(args[0]);
            script("audit", event -> {
                synchronized (Child.class) {
                    try {
                        Files.writeString(delivered, event.id() + "\n", StandardOpenOption.APPEND);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
            });
            ConsumerApplication.main(java.util.Arrays.copyOfRange(args, 1, args.length));
        }
    }
}
