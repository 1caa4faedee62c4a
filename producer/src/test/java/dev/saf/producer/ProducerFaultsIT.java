package dev.saf.producer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.natsserver.NatsServer;
import io.nats.client.Connection;
import io.nats.client.Nats;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import io.nats.client.api.StreamInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a client is told while NATS is in trouble, and that all is well again without a restart of the producer. */
@SuppressWarnings("try") // Connection.close may be interrupted
class ProducerFaultsIT {

    private static final String[] SHORT_BUDGET = {"saf.producer.publish-budget=2s", "saf.producer.attempt-timeout=500ms"
    };

    @Test
    void startsBeforeNats() throws Exception {
        try (NatsServer nats = NatsServer.start()) {
            nats.kill();
            try (RunningProducer producer = RunningProducer.at(nats.url(), SHORT_BUDGET)) {
                assertThat(producer.readiness()).isEqualTo(503);
                assertNotStored(producer.post("{\"subject\":\"a\",\"id\":\"1\"}"), "disconnected");
                nats.restart();
                producer.awaitReady();
                assertThat(producer.post("{\"subject\":\"a\",\"id\":\"1\"}").status())
                        .isEqualTo(202);
            }
        }
    }

    @Test
    void answers503NotStoredWhileNatsIsDeadAndRecovers() throws Exception {
        try (NatsServer nats = NatsServer.start();
                RunningProducer producer = RunningProducer.with(nats, SHORT_BUDGET)) {
            assertThat(producer.post("{\"subject\":\"a\"}").status()).isEqualTo(202);
            nats.kill();
            await().atMost(Duration.ofSeconds(10)).until(() -> producer.readiness() == 503);
            RawHttp.Answer answer = producer.post("{\"subject\":\"a\",\"id\":\"dead\"}");
            assertNotStored(answer, "disconnected");
            assertThat(answer.headers()).containsEntry("Retry-After", "1");

            nats.restart();
            producer.awaitReady();
            assertThat(RunningProducer.stream(nats).getStreamState().getMsgCount())
                    .isEqualTo(1);
            RawHttp.Answer stored = producer.post("{\"subject\":\"a\",\"id\":\"dead\"}");
            assertThat(stored.status()).isEqualTo(202);
            assertThat(stored.body()).contains("\"duplicate\":false");
        }
    }

    @Test
    void ridesThroughARestartOfNatsWithinTheBudget() throws Exception {
        try (NatsServer nats = NatsServer.start();
                RunningProducer producer = RunningProducer.with(nats);
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            nats.kill();
            List<Future<RawHttp.Answer>> answers = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                String event = "{\"subject\":\"a\",\"id\":\"ride-" + i + "\"}";
                answers.add(clients.submit(() -> producer.post(event)));
            }
            nats.restart();
            for (Future<RawHttp.Answer> answer : answers) {
                assertThat(answer.get(20, TimeUnit.SECONDS).status()).isEqualTo(202);
            }
            assertThat(RunningProducer.stream(nats).getStreamState().getMsgCount())
                    .isEqualTo(20);
        }
    }

    @Test
    void answers503UnknownWhileNatsIsFrozenAndStoresARepeatOnce() throws Exception {
        try (NatsServer nats = NatsServer.start();
                RunningProducer producer = RunningProducer.with(nats, SHORT_BUDGET)) {
            nats.freeze();
            RawHttp.Answer answer = producer.post("{\"subject\":\"a\",\"id\":\"frozen\"}");
            assertThat(answer.status()).isEqualTo(503);
            assertThat(answer.body()).contains("\"outcome\":\"unknown\"", "\"id\":\"frozen\"", "problem:no-answer");
            nats.thaw();
            producer.awaitReady();
            await().atMost(Duration.ofSeconds(20))
                    .until(() -> producer.post("{\"subject\":\"a\",\"id\":\"frozen\"}")
                                    .status()
                            == 202);
            assertThat(RunningProducer.stream(nats).getStreamState().getMsgCount())
                    .isEqualTo(1);
        }
    }

    @Test
    void answers503WhileTheStreamIsFullAndRecovers() throws Exception {
        try (NatsServer nats = NatsServer.start();
                RunningProducer producer = RunningProducer.with(
                        nats, "saf.streams.events.max-bytes=64KB", "saf.producer.publish-budget=2s")) {
            String event = "{\"subject\":\"a\",\"payload\":\"" + "x".repeat(1_000) + "\"}";
            RawHttp.Answer answer = producer.post(event);
            for (int i = 0; i < 200 && answer.status() == 202; i++) {
                answer = producer.post(event);
            }
            assertNotStored(answer, "stream-full");
            long count = RunningProducer.stream(nats).getStreamState().getMsgCount();
            await().atMost(Duration.ofSeconds(20)).until(() -> {
                producer.post(event);
                return producer.readiness() == 503;
            });
            assertThat(RunningProducer.stream(nats).getStreamState().getMsgCount())
                    .isEqualTo(count);
            try (Connection connection = Nats.connect(nats.url())) {
                var _ = connection.jetStreamManagement().purgeStream("events");
            }
            await().atMost(Duration.ofSeconds(20))
                    .until(() -> producer.post(event).status() == 202);
            await().atMost(Duration.ofSeconds(20)).until(() -> producer.readiness() == 200);
        }
    }

    @Test
    void answers503WhileTheDiskIsFullAndLosesNothingItAcknowledged(@TempDir Path folder) throws Exception {
        Path disk = Files.createDirectory(folder.resolve("disk"));
        boolean mounted = run("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk.toString());
        if (!"required".equals(System.getenv("SAF_PEERS"))) {
            Assumptions.assumeTrue(mounted, "needs the right to mount a small disk");
        }
        assertThat(mounted).as("mount a small disk").isTrue();
        try (NatsServer nats = NatsServer.builder()
                        .store(disk.resolve("js"))
                        .jetStream("max_file_store: 10GB")
                        .start();
                RunningProducer producer = RunningProducer.with(
                        nats, "saf.producer.publish-budget=1s", "saf.producer.attempt-timeout=300ms")) {
            String payload = ",\"payload\":\"" + "x".repeat(200_000) + "\"}";
            int stored = 0;
            RawHttp.Answer answer = producer.post("{\"subject\":\"a\",\"id\":\"0\"" + payload);
            while (answer.status() == 202 && stored < 1_000) {
                stored++;
                answer = producer.post("{\"subject\":\"a\",\"id\":\"" + stored + "\"" + payload);
            }
            assertThat(answer.status()).isEqualTo(503);
            assertThat(answer.body()).contains("\"outcome\":");
            await().atMost(Duration.ofSeconds(30)).until(() -> {
                producer.post("{\"subject\":\"a\",\"id\":\"more\"" + payload);
                return producer.readiness() == 503;
            });
            assertThat(run("mount", "-o", "remount,size=96m", disk.toString())).isTrue();
            nats.stop();
            nats.restart();
            producer.awaitReady();
            assertThat(producer.post("{\"subject\":\"a\",\"id\":\"after\"" + payload)
                            .status())
                    .isEqualTo(202);
            assertThat(RunningProducer.stream(nats).getStreamState().getMsgCount())
                    .isGreaterThanOrEqualTo(stored + 1);
        } finally {
            assertThat(run("umount", "-l", disk.toString())).isTrue();
        }
    }

    @Test
    void refusesAtOnceWhatGoesBeyondTheBoundInFlight() throws Exception {
        try (NatsServer nats = NatsServer.start();
                RunningProducer producer = RunningProducer.with(nats, "saf.producer.max-in-flight=5");
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            nats.freeze();
            List<Future<RawHttp.Answer>> waiting = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                waiting.add(clients.submit(() -> producer.post("{\"subject\":\"a\"}")));
            }
            await().atMost(Duration.ofSeconds(5))
                    .until(() -> producer.metrics()
                                    .get("saf.producer.in.flight")
                                    .gauge()
                                    .value()
                            == 5);
            RawHttp.Answer refused = producer.post("{\"subject\":\"a\"}");
            assertNotStored(refused, "overloaded");
            assertThat(refused.headers()).containsEntry("Retry-After", "1");
            assertThat(waiting).noneMatch(Future::isDone);
            nats.thaw();
            for (Future<RawHttp.Answer> answer : waiting) {
                assertThat(answer.get(20, TimeUnit.SECONDS).status()).isEqualTo(202);
            }
        }
    }

    @Test
    void refusesToStoreOnAStreamThatWouldBreakThePromise() throws Exception {
        try (NatsServer nats = NatsServer.start()) {
            try (Connection connection = Nats.connect(nats.url())) {
                StreamInfo made = connection
                        .jetStreamManagement()
                        .addStream(StreamConfiguration.builder()
                                .name("events")
                                .subjects("events.>")
                                .storageType(StorageType.File)
                                .noAck(true)
                                .build());
                assertThat(made.getConfiguration().getNoAck()).isTrue();
            }
            try (RunningProducer producer = RunningProducer.at(nats.url(), SHORT_BUDGET)) {
                await().atMost(Duration.ofSeconds(10))
                        .untilAsserted(() -> assertNotStored(producer.post("{\"subject\":\"a\"}"), "unsafe-stream"));
                assertThat(producer.readiness()).isEqualTo(503);
            }
        }
    }

    /** Row 92 of the catalogue. */
    @Test
    void storesARepeatAgainOnceTheDuplicateWindowIsOver() throws Exception {
        try (NatsServer nats = NatsServer.start();
                RunningProducer producer = RunningProducer.with(
                        nats,
                        "saf.streams.events.duplicate-window=2s",
                        "saf.producer.publish-budget=1s",
                        "saf.producer.attempt-timeout=500ms")) {
            String event = "{\"subject\":\"a\",\"id\":\"window\"}";
            assertThat(producer.post(event).body()).contains("\"duplicate\":false");
            assertThat(producer.post(event).body()).contains("\"duplicate\":true");
            await().atMost(Duration.ofSeconds(20))
                    .until(() -> producer.post(event).body().contains("\"duplicate\":false"));
            assertThat(RunningProducer.stream(nats).getStreamState().getMsgCount())
                    .isEqualTo(2);
        }
    }

    @Test
    void countsWhatItAcceptsAndRefuses() throws Exception {
        try (NatsServer nats = NatsServer.start();
                RunningProducer producer = RunningProducer.with(nats)) {
            assertThat(producer.post("{\"subject\":\"a\",\"id\":\"1\"}").status())
                    .isEqualTo(202);
            assertThat(producer.post("{\"subject\":\"a\",\"id\":\"1\"}").status())
                    .isEqualTo(202);
            assertThat(producer.post("{\"subject\":\"b\",\"id\":\"1\"}").status())
                    .isEqualTo(422);
            assertThat(producer.post("{}").status()).isEqualTo(400);
            assertThat(producer.metrics().get("saf.producer.accepted").counter().count())
                    .isEqualTo(2);
            assertThat(producer.metrics()
                            .get("saf.producer.duplicates")
                            .counter()
                            .count())
                    .isEqualTo(1);
            assertThat(producer.metrics().get("saf.producer.publish").timer().count())
                    .isEqualTo(3);
            assertThat(refused(producer, "id-reused")).isEqualTo(1);
            assertThat(refused(producer, "invalid-event")).isEqualTo(1);
            String scrape = RawHttp.once(
                            producer.managementPort(),
                            "GET /actuator/prometheus HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                                    .getBytes(java.nio.charset.StandardCharsets.US_ASCII))
                    .body();
            assertThat(scrape).contains("saf_producer_accepted_total", "saf_producer_publish_seconds_bucket");
        }
    }

    @Test
    void answersHealthzAsEver() throws Exception {
        try (NatsServer nats = NatsServer.start();
                RunningProducer producer = RunningProducer.with(nats)) {
            assertThat(RawHttp.once(
                                    producer.port(),
                                    "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
                                            .getBytes(java.nio.charset.StandardCharsets.US_ASCII))
                            .status())
                    .isEqualTo(204);
        }
    }

    private static double refused(RunningProducer producer, String reason) {
        return producer.metrics()
                .get("saf.producer.refused")
                .tag("reason", reason)
                .counter()
                .count();
    }

    private static void assertNotStored(RawHttp.Answer answer, String problem) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(503);
        assertThat(answer.body()).contains("\"outcome\":\"not_stored\"", "urn:saf:problem:" + problem);
    }

    private static boolean run(String... command) throws IOException, InterruptedException {
        return new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor()
                == 0;
    }
}
