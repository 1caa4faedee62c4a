package dev.saf.jetstream;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

import dev.saf.natsserver.NatsServer;
import dev.saf.settings.InvalidSettingException;
import io.nats.client.Connection;
import io.nats.client.JetStreamManagement;
import io.nats.client.KeyValue;
import io.nats.client.Nats;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.KeyValueConfiguration;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import io.nats.client.api.StreamInfo;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.health.contributor.Status;

@Timeout(60)
class StreamsIT {

    @Test
    void createsWhatIsMissing() throws Exception {
        try (NatsServer server = NatsServer.start();
                Running running = Running.on(server).usable()) {
            StreamConfiguration events =
                    running.management().getStreamInfo("events").getConfiguration();
            assertThat(events.getSubjects()).containsExactly("events.>");
            assertThat(events.getDiscardPolicy()).isEqualTo(DiscardPolicy.New);
            assertThat(events.getMaxAge()).isEqualTo(Duration.ofDays(7));
            assertThat(events.getMaxBytes()).isEqualTo(1L << 30);
            assertThat(events.getDuplicateWindow()).isEqualTo(Duration.ofMinutes(10));
            assertThat(events.getAllowAtomicPublish()).isTrue();
            StreamConfiguration deadLetters =
                    running.management().getStreamInfo("dead-letters").getConfiguration();
            assertThat(deadLetters.getSubjects()).containsExactly("dead-letters.>");
            assertThat(deadLetters.getMaxAge()).isEqualTo(Duration.ofDays(30));
            assertThat(running.streams().state("events")).isEqualTo(new StreamState.Sound(List.of()));
            assertThat(running.streams().state("dead-letters")).isEqualTo(new StreamState.Sound(List.of()));
            assertThat(running.health().getStatus()).isEqualTo(Status.UP);
        }
    }

    @Test
    void createsWithEveryAttributeThatIsConfigured() throws Exception {
        try (NatsServer server = NatsServer.start();
                Running running = Running.on(
                                server,
                                "events.description",
                                "all of them",
                                "events.max-bytes",
                                "10MB",
                                "events.max-messages",
                                "1000",
                                "events.max-messages-per-subject",
                                "100",
                                "events.max-message-size",
                                "64KB",
                                "events.max-consumers",
                                "7",
                                "events.max-age",
                                "1d",
                                "events.duplicate-window",
                                "5s",
                                "events.compression",
                                "s2",
                                "events.allow-direct",
                                "true",
                                "events.allow-atomic",
                                "false",
                                "events.deny-delete",
                                "true",
                                "events.deny-purge",
                                "true",
                                "events.metadata.team",
                                "orders",
                                "events.republish.source",
                                "events.>",
                                "events.republish.destination",
                                "live.>")
                        .usable()) {
            StreamConfiguration events =
                    running.management().getStreamInfo("events").getConfiguration();
            assertThat(events.getDescription()).isEqualTo("all of them");
            assertThat(events.getMaxBytes()).isEqualTo(10 << 20);
            assertThat(events.getMaxMsgs()).isEqualTo(1000);
            assertThat(events.getMaxMsgsPerSubject()).isEqualTo(100);
            assertThat(events.isDiscardNewPerSubject()).isTrue();
            assertThat(events.getMaximumMessageSize()).isEqualTo(64 << 10);
            assertThat(events.getMaxConsumers()).isEqualTo(7);
            assertThat(events.getAllowDirect()).isTrue();
            assertThat(events.getDenyDelete()).isTrue();
            assertThat(events.getMetadata()).containsEntry("team", "orders");
            assertThat(running.streams().state("events")).isEqualTo(new StreamState.Sound(List.of()));
        }
    }

    @Test
    void createsTheStreamsItWorksWith() throws Exception {
        try (NatsServer server = NatsServer.start();
                Running running = Running.on(server).usable()) {
            StreamConfiguration later = configuration(running, Streams.LATER);
            assertThat(later.getSubjects()).containsExactly("later.>");
            assertThat(later.getDiscardPolicy()).isEqualTo(DiscardPolicy.Old);
            assertThat(later.getMaxAge()).isZero();
            assertThat(List.of(later.getMaxBytes(), later.getMaxMsgs(), later.getMaxMsgsPerSubject()))
                    .containsOnly(-1L);
            assertThat(List.of(
                            later.getAllowMsgSchedules(),
                            later.getAllowMessageTtl(),
                            later.getAllowDirect(),
                            later.getAllowRollup()))
                    .containsOnly(true);
            assertThat(List.of(later.getDenyDelete(), later.getDenyPurge())).containsOnly(false);
            assertThat(later.getDuplicateWindow()).isEqualTo(Duration.ofMinutes(10));
            StreamConfiguration advisories = configuration(running, Streams.ADVISORIES);
            assertThat(advisories.getMaxAge()).isEqualTo(Duration.ofDays(30));
            assertThat(advisories.getMaxMsgs()).isEqualTo(100_000);
            assertThat(advisories.getDiscardPolicy()).isEqualTo(DiscardPolicy.Old);
            assertThat(running.health().getDetails())
                    .containsEntry("later", "sound")
                    .containsEntry("KV_saf", "sound")
                    .containsEntry("advisories", "sound");
        }
    }

    @Test
    void findsNothingToDoAtTheSecondStart() throws Exception {
        try (NatsServer server = NatsServer.start()) {
            List<StreamInfo> created;
            try (Running first = Running.on(server).usable()) {
                created = first.management().getStreams();
            }
            try (Running second = Running.on(server).usable()) {
                for (String name : Streams.ALL) {
                    assertThat(second.streams().state(name)).isEqualTo(new StreamState.Sound(List.of()));
                }
                assertThat(second.management().getStreams())
                        .extracting(info -> info.getConfiguration().getName(), StreamInfo::getCreateTime)
                        .containsExactlyElementsOf(created.stream()
                                .map(info -> tuple(info.getConfiguration().getName(), info.getCreateTime()))
                                .toList());
            }
        }
    }

    @Test
    void keepsStateInABucketLikeAnyOther() throws Exception {
        try (NatsServer server = NatsServer.start();
                Running running = Running.on(server).usable()) {
            KeyValue bucket = running.nats().keyValue(Streams.BUCKET);
            long first = bucket.create("channel.billing", new byte[] {1});
            bucket.update("channel.billing", new byte[] {2}, first);
            assertThat(requireNonNull(bucket.get("channel.billing")).getValue()).containsExactly(2);
            bucket.delete("channel.billing");
            assertThat(bucket.keys()).isEmpty();

            running.nats()
                    .keyValueManagement()
                    .create(KeyValueConfiguration.builder("like")
                            .maxHistoryPerKey(1)
                            .maxBucketSize(64 << 20)
                            .build());
            StreamConfiguration own = configuration(running, Streams.STATE);
            StreamConfiguration made = configuration(running, "KV_like");
            assertThat(own.toJson().replace("saf", "like")).isEqualTo(made.toJson());
        }
    }

    @Test
    @SuppressWarnings("try") // Connection.close may be interrupted.
    void staysReadyWithoutWhatEventsCanDoWithout() throws Exception {
        try (NatsServer server = NatsServer.start()) {
            try (Connection nats = Nats.connect(server.url())) {
                nats.jetStreamManagement()
                        .addStream(StreamConfiguration.builder()
                                .name(Streams.LATER)
                                .subjects("later.>")
                                .maxAge(Duration.ofDays(1))
                                .build());
            }
            try (Running running = Running.on(server)) {
                await().until(() -> running.streams().state(Streams.LATER) instanceof StreamState.Unsafe);
                await().until(() -> running.streams().usable(Streams.EVENTS)
                        && running.streams().usable(Streams.DEAD_LETTERS));
                assertThat(running.streams().usable(Streams.LATER)).isFalse();
                assertThat(running.health().getStatus()).isEqualTo(Status.UP);
                assertThat(running.health().getDetails()).containsEntry("later", "unsafe");
                assertThat(running.problem())
                        .contains("stream later has max-age=1d where 0ms is configured: a retry that is due later")
                        .contains("no retry can be parked");
            }
        }
    }

    @Test
    void neverAltersAStreamThatExists() throws Exception {
        try (NatsServer server = NatsServer.start()) {
            try (Running first = Running.on(server, "events.max-bytes", "10MB", "events.max-age", "8d")) {
                first.usable();
            }
            try (Running second = Running.on(server).usable()) {
                assertThat(second.management()
                                .getStreamInfo("events")
                                .getConfiguration()
                                .getMaxBytes())
                        .isEqualTo(10 << 20);
                assertThat(second.streams().state("events"))
                        .isEqualTo(new StreamState.Sound(List.of(
                                "stream events has max-age=8d where 7d is configured",
                                "stream events has max-bytes=10485760 where 1073741824 is configured")));
            }
        }
    }

    @Test
    void findsOutThatAStreamHasBecomeUnsafe() throws Exception {
        try (NatsServer server = NatsServer.start();
                Running running = Running.on(server).usable()) {
            running.management().deleteStream("events");
            running.management()
                    .addStream(StreamConfiguration.builder()
                            .name("events")
                            .subjects("events.>")
                            .storageType(StorageType.Memory)
                            .noAck(true)
                            .build());
            await().until(() -> running.streams().state("events") instanceof StreamState.Unsafe);
            assertThat(running.streams().usable("events")).isFalse();
            assertThat(running.streams().usable("dead-letters")).isTrue();
            assertThat(running.health().getStatus()).isEqualTo(Status.DOWN);
            assertThat(running.problem())
                    .contains("no-ack=true where false is configured: nothing published is ever confirmed")
                    .contains("storage=memory where file is configured")
                    .contains("discard=old where new is configured");
            running.management().deleteStream("events");
            running.usable();
            assertThat(running.health().getStatus()).isEqualTo(Status.UP);
        }
    }

    @Test
    void createsAgainWhatNatsHasLost() throws Exception {
        try (NatsServer server = NatsServer.start();
                Running running = Running.on(server).usable()) {
            running.management().deleteStream("events");
            await().untilAsserted(() ->
                    assertThat(running.management().getStreamNames()).contains("events"));
        }
    }

    @Test
    void looksAtOnceWhenPublishingFails() throws Exception {
        try (NatsServer server = NatsServer.start();
                NatsConnection connection = new NatsConnection(Settled.nats("servers", server.url()), null)) {
            connection.start();
            PublishHealth health = new PublishHealth(System::nanoTime);
            try (Streams streams =
                    new Streams(connection, Settled.streams("check-interval", "1h"), health, List.of(Streams.EVENTS))) {
                streams.start();
                await().until(() -> streams.usable(Streams.EVENTS));
                JetStreamManagement management =
                        requireNonNull(connection.current()).jetStreamManagement();
                management.deleteStream("events");
                health.failed("nobody answers");
                await().untilAsserted(
                                () -> assertThat(management.getStreamNames()).containsExactly("events"));
            }
        }
    }

    @Test
    void saysWhichPermissionItLacksToCreateAStream() {
        try (NatsServer server = NatsServer.builder()
                        .config(permissions("\"$JS.API.INFO\", \"$JS.API.STREAM.INFO.*\","
                                + " \"$JS.API.STREAM.CREATE.events\", \"events.>\""))
                        .start();
                Running running = Running.on(login(server), Settled.streams())) {
            await().atMost(Duration.ofSeconds(15)).until(() -> running.streams().usable("events"));
            await().atMost(Duration.ofSeconds(15))
                    .until(() -> running.streams().state("dead-letters") instanceof StreamState.Missing);
            assertThat(running.problem())
                    .startsWith("stream dead-letters does not exist and could not be created: ")
                    .contains("Permissions Violation for Publish to \"$JS.API.STREAM.CREATE.dead-letters\"");
        }
    }

    @Test
    void needsNoPermissionToCreateWhatExists() throws Exception {
        try (NatsServer server = NatsServer.start()) {
            Running.on(server).usable().close();
            server.restartWith(permissions("\"$JS.API.INFO\", \"$JS.API.STREAM.INFO.*\""));
            try (Running running = Running.on(login(server), Settled.streams()).usable()) {
                assertThat(running.health().getStatus()).isEqualTo(Status.UP);
            }
        }
    }

    @Test
    void knowsWhenAFullStreamHasRoomAgain() throws Exception {
        try (NatsServer server = NatsServer.start();
                Running running = Running.on(server, "events.max-messages", "1").usable()) {
            running.nats().jetStream().publish("events.a", new byte[1]);
            running.publishHealth().full("stream events is full");
            await().during(Duration.ofSeconds(1))
                    .until(() -> running.publishHealth().isFailing());
            running.management().purgeStream("events");
            await().until(() -> !running.publishHealth().isFailing());
        }
    }

    @Test
    void refusesToStartWithAServerTooOld() throws IOException {
        try (ServerSocket old = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> serve(old, "2.11.9"));
            String server = "nats://127.0.0.1:" + old.getLocalPort();
            assertThatThrownBy(() -> Running.on(Settled.nats("servers", server), Settled.streams())
                            .close())
                    .isInstanceOf(InvalidSettingException.class)
                    .hasMessage("saf.nats.servers: nats-server 2.11.9 at " + server
                            + " is too old, at least 2.12.0 is needed");
        }
    }

    /** As much of a nats-server as it takes to be recognised as an old one; no such binary is at hand. */
    private static void serve(ServerSocket listener, String version) {
        try (Socket client = listener.accept();
                BufferedReader lines =
                        new BufferedReader(new InputStreamReader(client.getInputStream(), StandardCharsets.UTF_8))) {
            String info = "INFO {\"server_id\":\"X\",\"version\":\"" + version
                    + "\",\"proto\":1,\"headers\":true,\"max_payload\":1048576}\r\n";
            client.getOutputStream().write(info.getBytes(StandardCharsets.UTF_8));
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.equals("PING")) {
                    client.getOutputStream().write("PONG\r\n".getBytes(StandardCharsets.UTF_8));
                }
            }
        } catch (IOException e) {
            // The test is over.
        }
    }

    private static String permissions(String publish) {
        return """
            authorization { users: [ { user: saf, password: secret, permissions: {
              publish: [ %s ]
              subscribe: [ "_INBOX.>" ]
            } } ] }
            """.formatted(publish);
    }

    private static NatsSettings login(NatsServer server) {
        return Settled.nats("servers", server.url(), "user", "saf", "password", "secret", "request-timeout", "500ms");
    }

    private static StreamConfiguration configuration(Running running, String stream) throws Exception {
        return running.management().getStreamInfo(stream).getConfiguration();
    }
}
