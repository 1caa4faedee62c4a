package dev.saf.consumer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import dev.saf.channel.Channel;
import dev.saf.event.Event;
import dev.saf.natsserver.NatsServer;
import io.nats.client.JetStreamManagement;
import io.nats.client.api.ConsumerConfiguration;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** The service is asked what would go wrong, instead of being started. */
@ExtendWith(OutputCaptureExtension.class)
class CheckIT {

    private static final String NOBODY = "http://127.0.0.1:1/secret-path";

    /** What the check says, and with what it ends. */
    private record Result(int exitCode, String said) {}

    @Test
    void findsNothingWrongAndDeliversNothing() throws Exception {
        AtomicInteger requests = new AtomicInteger();
        HttpServer destination = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        destination.createContext("/", exchange -> {
            requests.incrementAndGet();
            exchange.close();
        });
        destination.start();
        try (NatsServer server = NatsServer.start();
                Nats nats = new Nats(server)) {
            Result result = check(
                    server,
                    "saf.channels.log.type=log",
                    "saf.channels.hook.type=webhook",
                    "saf.channels.hook.url=http://127.0.0.1:"
                            + destination.getAddress().getPort() + "/");
            assertThat(result.said())
                    .containsSubsequence(
                            "ok    configuration: ",
                            "ok    connection: ",
                            "ok    permissions: ",
                            "ok    streams: stream events does not exist yet, the service will create it",
                            "ok    streams: stream dead-letters does not exist yet",
                            "ok    streams: stream later does not exist yet",
                            "ok    streams: stream KV_saf does not exist yet",
                            "ok    streams: stream advisories does not exist yet",
                            "The check has found nothing wrong.")
                    .contains("ok    channels: channel hook\n", "ok    channels: channel log\n");
            assertThat(result.exitCode()).isZero();
            assertThat(requests).hasValue(0);
            assertThat(nats.connection().jetStreamManagement().getStreamNames()).isEmpty();
        } finally {
            destination.stop(0);
        }
    }

    @Test
    void leavesStreamsAndDurablesAsTheyAreAndTakesNothing() throws Exception {
        try (NatsServer server = NatsServer.start();
                Nats nats = new Nats(server)) {
            JetStreamManagement management = nats.connection().jetStreamManagement();
            try (Consumer _ = Consumer.start(server, "saf.channels.log.type=log")) {
                await().untilAsserted(
                                () -> assertThat(management.getStreamNames()).hasSize(5));
                await().untilAsserted(() ->
                        assertThat(management.getConsumerNames("later")).contains("saf-log-due"));
                await().untilAsserted(() ->
                        assertThat(management.getConsumerNames("advisories")).isNotEmpty());
            }
            nats.publish("waiting");
            Map<String, String> before = everything(management);
            // As it may be there, and as it is not: the durable of another channel would be created.
            Result result = check(
                    server, "saf.channels.log.type=log", "saf.channels.log.concurrency=7", "saf.channels.new.type=log");
            assertThat(result.said()).contains("stream events keeps its promises", "nothing wrong");
            assertThat(result.exitCode()).isZero();
            assertThat(everything(management)).isEqualTo(before);
            assertThat(nats.unsettled("log")).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "saf.channels.log.payloads=true | saf.channels.log.payloads: is unknown; saf.channels.log has [type,",
                "saf.channels.hook.type=webhook | saf.channels.hook.url: is missing",
                "saf.channels.mqqt.url=x | saf.channels.mqqt.type: 'mqqt' is unknown; known types are",
                "saf.api.address=nowhere.invalid | saf.api.address: 'nowhere.invalid' is not known",
                "saf.upkeep.interval=0s | saf.upkeep.interval: must be between",
                "server.address=0.0.0.0 | server.address: does not count for the consumer",
            })
    void refusesTheConfigurationAsAStartDoes(String setting, String sentence, CapturedOutput output) {
        Result result = run("--check", "--saf.channels.log.payload=true", "--" + setting);
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(output.getAll())
                .contains("APPLICATION FAILED TO START", sentence)
                .doesNotContain("\tat ");
    }

    @Test
    void saysWhichDestinationCannotBeReachedAndNotTheSecretInItsUrl() {
        try (NatsServer server = NatsServer.start()) {
            Result result = check(server, "saf.channels.hook.type=webhook", "saf.channels.hook.url=" + NOBODY);
            assertThat(result.said())
                    .contains("FAIL  channels: channel hook: http://127.0.0.1:1 cannot be reached: Connection refused;"
                            + " see that the destination is up and lets this machine in, or correct"
                            + " saf.channels.hook\n")
                    .doesNotContain("secret-path");
            assertThat(result.exitCode()).isEqualTo(5);
        }
    }

    @Test
    void onlyTellsOfADestinationThatNeedNotBeThere() {
        try (NatsServer server = NatsServer.start()) {
            Result result = check(
                    server,
                    "saf.check.channels=false",
                    "saf.channels.hook.type=webhook",
                    "saf.channels.hook.url=" + NOBODY);
            assertThat(result.said()).contains("note  channels: channel hook: ", "until then its events wait");
            assertThat(result.exitCode()).isZero();
        }
    }

    @Test
    void looksAtTheChannelsAlsoWithoutNats() {
        Result result = run(
                "--check",
                "--saf.nats.servers=nats://127.0.0.1:1",
                "--saf.channels.hook.type=webhook",
                "--saf.channels.hook.url=" + NOBODY);
        assertThat(result.said())
                .contains("FAIL  connection: ", "FAIL  channels: ")
                .endsWith("The check has found 2 of 3 things wrong, exit code 2.\n");
        assertThat(result.exitCode()).isEqualTo(2);
    }

    @Test
    void saysThatADurableCannotBeUsed() throws Exception {
        try (NatsServer server = NatsServer.start();
                Nats nats = new Nats(server).withStreams()) {
            var _ = nats.connection()
                    .jetStreamManagement()
                    .addOrUpdateConsumer(
                            "events",
                            ConsumerConfiguration.builder()
                                    .durable("saf-log")
                                    .deliverSubject("elsewhere")
                                    .build());
            Result result = check(server, "saf.channels.log.type=log");
            assertThat(result.said())
                    .contains(
                            "FAIL  streams: durable consumer saf-log of stream events pushes events, and must be one to"
                                    + " pull from; delete it");
            assertThat(result.exitCode()).isEqualTo(4);
        }
    }

    @Test
    void namesWhatAChannelOfCoreNatsMayNotSubscribeTo() {
        try (NatsServer server = NatsServer.builder().config("""
            authorization { users: [ { user: saf, password: secret, permissions: {
              publish: ">", subscribe: [ "_INBOX.>", "events.a.> saf-other" ]
            } } ] }
            """).start()) {
            Result result = check(
                    server,
                    "saf.nats.user=saf",
                    "saf.nats.password=secret",
                    "saf.channels.ticker.type=log",
                    "saf.channels.ticker.subjects=a.b",
                    "saf.channels.ticker.mode=core",
                    "saf.channels.ticker.delivery=at-most-once");
            assertThat(result.said())
                    .contains("FAIL  permissions: user saf may not subscribe to \"events.a.b saf-ticker\"; allow it");
            assertThat(result.exitCode()).isEqualTo(3);
        }
    }

    @Test
    void doesNotWaitForAChannelLongerThanItMay() {
        ScriptedChannelFactory.script("slow", new Channel() {
            @Override
            public void deliver(Event event) {}

            @Override
            public void check() throws InterruptedException {
                new CountDownLatch(1).await();
            }
        });
        try (NatsServer server = NatsServer.start()) {
            Result result = check(
                    server, "saf.check.timeout=2s", "saf.channels.slow.type=scripted", "saf.channels.log.type=log");
            assertThat(result.said())
                    .contains("ok    channels: channel log", "FAIL  time: not everything could be looked at within 2s")
                    .doesNotContain("channel slow");
            assertThat(result.exitCode()).isEqualTo(6);
        }
    }

    @Test
    void showsTheConfigurationThatCountsWithoutItsSecrets() {
        Result result = run(
                "--show-configuration",
                "--saf.nats.user=saf",
                "--saf.nats.password=hunter2",
                "--saf.channels.hook.type=webhook",
                "--saf.channels.hook.url=https://example.org/hooks/hunter2",
                "--saf.channels.audit.type=scripted",
                "--saf.channels.audit.mood=fair",
                "--saf.channels.audit.riddle=hunter2",
                "--saf.channels.log.filter=subject\n= 'a'",
                "--saf.channels.log.payload=false");
        assertThat(result.exitCode()).isZero();
        assertThat(result.said().lines())
                .contains(
                        "saf.channels.hook.connect-timeout = 5s   # default",
                        "saf.channels.hook.retry.multiplier = 4.0   # default")
                .anySatisfy(line -> assertThat(line).startsWith("saf.channels.hook.url = https://example.org/***   # "))
                .anySatisfy(line -> assertThat(line).startsWith("saf.channels.audit.mood = fair   # "))
                .anySatisfy(line -> assertThat(line).startsWith("saf.channels.audit.riddle = ***   # "))
                .anySatisfy(line -> assertThat(line).startsWith("saf.channels.log.filter = subject = 'a'   # "))
                .anySatisfy(line -> assertThat(line).startsWith("saf.channels.log.payload = false   # "))
                .anySatisfy(line -> assertThat(line).startsWith("saf.upkeep.trim-above = 0.8   # default"))
                .anySatisfy(line -> assertThat(line).startsWith("saf.nats.password = ***   # "));
        assertThat(result.said()).doesNotContain("hunter2");
    }

    /** The configuration of every stream and consumer, and how far each consumer is. */
    private static Map<String, String> everything(JetStreamManagement management) throws Exception {
        Map<String, String> all = new TreeMap<>();
        for (String stream : management.getStreamNames()) {
            all.put(stream, management.getStreamInfo(stream).getConfiguration().toJson());
            for (String consumer : management.getConsumerNames(stream)) {
                var info = management.getConsumerInfo(stream, consumer);
                all.put(
                        stream + " " + consumer,
                        info.getConsumerConfiguration().toJson() + info.getDelivered() + info.getNumPending());
            }
        }
        return all;
    }

    private static Result check(NatsServer nats, String... settings) {
        List<String> arguments = new ArrayList<>(List.of("--check", "--saf.nats.servers=" + nats.url()));
        for (String setting : settings) {
            arguments.add("--" + setting);
        }
        return run(arguments.toArray(String[]::new));
    }

    private static Result run(String... arguments) {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        int exitCode = ConsumerApplication.check(new PrintStream(said, true, UTF_8), arguments);
        return new Result(exitCode, said.toString(UTF_8));
    }
}
