package dev.saf.consumer.operations;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.channel.RejectedEventException;
import dev.saf.consumer.Consumer;
import dev.saf.consumer.ConsumerApplication;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.consumer.ledger.SharedState;
import dev.saf.natsserver.NatsServer;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class RedrivesIT {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String[] SETTINGS = {"saf.channels.audit.type=scripted", "saf.channels.audit.ack-wait=1s"};

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final AtomicBoolean rejecting = new AtomicBoolean(true);
    private final RecordingChannel audit = new RecordingChannel(event -> {
        if (rejecting.get()) {
            throw new RejectedEventException("not today");
        }
    });
    private final Nats nats = opened.add(new Nats(server).withStreams());
    private final Consumer consumer = start();

    private Consumer start() {
        script("audit", audit);
        return opened.add(Consumer.start(server, SETTINGS));
    }

    /** Leaves dead letters of that many events, whose channel is well again. */
    private void die(int count) {
        nats.publish(count);
        await().atMost(PATIENCE).until(() -> dead("{}") == count);
        rejecting.set(false);
    }

    private long dead(String filter) {
        String body = filter.equals("{}") ? "{\"dry_run\":true}" : filter.replace("}", ",\"dry_run\":true}");
        return Answer.to(consumer, "POST", "/api/redrives", body)
                .ok(200)
                .path("count")
                .asLong();
    }

    private String begin(String body) {
        Answer answer = Answer.to(consumer, "POST", "/api/redrives", body);
        String id = answer.ok(202).path("id").asString();
        assertThat(answer.http().headers().firstValue("Location")).hasValue("/api/redrives/" + id);
        assertThat(answer.body().path("state").asString()).isEqualTo("running");
        return id;
    }

    private static JsonNode look(Consumer consumer, String id) {
        return Answer.to(consumer, "GET", "/api/redrives/" + id).ok(200);
    }

    private static JsonNode awaitEnd(Consumer consumer, String id) {
        await().atMost(PATIENCE)
                .until(() -> !look(consumer, id).path("state").asString().equals("running"));
        return look(consumer, id);
    }

    @Test
    void sendsAllThatMatchOnce() {
        die(250);
        assertThat(dead("{\"channel\":\"audit\",\"subject\":\"orders.*\",\"reason\":\"rejected\"}"))
                .isEqualTo(250);
        assertThat(dead("{\"reason\":\"gave-up\"}")).isZero();
        String id = begin("{\"channel\":\"audit\",\"reason\":\"rejected\",\"rate\":10000}");
        JsonNode end = awaitEnd(consumer, id);
        assertThat(end.path("state").asString()).isEqualTo("done");
        assertThat(end.path("matched").asLong()).isEqualTo(250);
        assertThat(end.path("redriven").asLong()).isEqualTo(250);
        assertThat(end.path("skipped").asLong()).isZero();
        assertThat(end.path("failed").asLong()).isZero();
        assertThat(end.path("error").isNull()).isTrue();
        assertThat(end.at("/filter/reason").asString()).isEqualTo("rejected");
        assertThat(end.path("ended").isNull()).isFalse();
        await().atMost(PATIENCE).until(() -> audit.delivered.size() >= 250);
        await().atMost(PATIENCE).until(() -> dead("{}") == 0);
        assertThat(audit.deliveredIds()).hasSize(250).doesNotHaveDuplicates();
        assertThat(consumer.metric("saf.channel.redriven", "audit")).isEqualTo(250);
    }

    @Test
    void keepsToItsRateAndCanBeCancelled() {
        die(40);
        long begin = System.nanoTime();
        String id = begin("{\"rate\":10}");
        await().atMost(PATIENCE).until(() -> audit.delivered.size() >= 15);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThan(Duration.ofMillis(1300));
        JsonNode cancelled =
                Answer.to(consumer, "DELETE", "/api/redrives/" + id).ok(200);
        assertThat(cancelled.path("state").asString()).isEqualTo("cancelled");
        await().during(Duration.ofSeconds(2)).atMost(PATIENCE).until(() -> audit.delivered.size() < 40);
        JsonNode end = look(consumer, id);
        assertThat(end.path("redriven").asLong()).isEqualTo(audit.delivered.size());
        assertThat(dead("{}")).isEqualTo(40 - audit.delivered.size());
        assertThat(Answer.to(consumer, "DELETE", "/api/redrives/" + id).problem(409, "conflict"))
                .startsWith("It is cancelled since ");
    }

    @Test
    void leavesAloneWhatBecameADeadLetterLater() {
        die(3);
        rejecting.set(true);
        // All of them die again at once.
        String id = begin("{\"rate\":2}");
        JsonNode end = awaitEnd(consumer, id);
        assertThat(end.path("redriven").asLong()).isEqualTo(3);
        assertThat(audit.offered).hasSize(6);
        assertThat(dead("{}")).isEqualTo(3);
    }

    @Test
    void twoAtOnceSendEachOnce() {
        die(120);
        String one = begin("{\"rate\":300}");
        String other = begin("{\"rate\":300}");
        awaitEnd(consumer, one);
        awaitEnd(consumer, other);
        await().atMost(PATIENCE).until(() -> dead("{}") == 0);
        await().during(Duration.ofSeconds(1)).atMost(PATIENCE).until(() -> audit.delivered.size() == 120);
        assertThat(audit.deliveredIds()).doesNotHaveDuplicates();
        JsonNode list = Answer.to(consumer, "GET", "/api/redrives?limit=1").ok(200);
        assertThat(list.at("/items/0/id").asString()).isEqualTo(other);
        JsonNode rest = Answer.to(
                        consumer,
                        "GET",
                        "/api/redrives?limit=1&cursor=" + list.path("next").asString())
                .ok(200);
        assertThat(rest.at("/items/0/id").asString()).isEqualTo(one);
        assertThat(rest.path("next").isNull()).isTrue();
    }

    @Test
    void refusesWhatIsNotToBe() {
        """
        {"rate":0}              | rate must be more than 0 and at most 10000 (dead letters a second)
        {"rate":-1}             | rate must be more than 0
        {"rate":"fast"}         | rate must be a number
        {"reason":"bad"}        | reason must be one of
        {"since":"soon"}        | since must be a time as in RFC 3339
        {"since":"2999-01-01T00:00:00Z"} | since must not lie in the future
        {"dry_run":"perhaps"}   | dry_run must be true or false
        {"chanel":"audit"}      | chanel is unknown; allowed are channel, dry_run, rate, reason, since, subject, until
        {"channel":             | the body is not valid JSON
        []                      | the body is not as it must be
        """.lines().forEach(line -> {
            String[] parts = line.split(" +\\| ", 2);
            assertThat(Answer.to(consumer, "POST", "/api/redrives", parts[0]).problem(400, "invalid-request"))
                    .startsWith(parts[1]);
        });
        assertThat(Answer.to(consumer, "POST", "/api/redrives", "").problem(400, "invalid-request"))
                .isEqualTo("the body is missing, and must be a JSON object");
        assertThat(Answer.to(consumer, "POST", "/api/redrives").problem(400, "invalid-request"))
                .isEqualTo("the body is missing, and must be a JSON object");
        Answer.to(consumer, "POST", "/api/redrives", "{\"channel\":\"unknown\"}")
                .problem(404, "not-found");
        Answer.to(consumer, "GET", "/api/redrives/abc").problem(404, "not-found");
        Answer.to(consumer, "GET", "/api/redrives/a.b").problem(404, "not-found");
        Answer.to(consumer, "DELETE", "/api/redrives/abc").problem(404, "not-found");
    }

    @Test
    void anotherProcessGoesOnWhenTheFirstOneStops() throws Exception {
        die(60);
        String id = begin("{\"rate\":20}");
        await().atMost(PATIENCE).until(() -> audit.delivered.size() >= 10);
        consumer.close();
        Consumer second = start();
        JsonNode end = awaitEnd(second, id);
        assertThat(end.path("redriven").asLong()).isEqualTo(60);
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 60);
        assertThat(audit.deliveredIds()).doesNotHaveDuplicates();
    }

    @Test
    void anotherProcessGoesOnWhenTheFirstOneIsKilled(@TempDir Path folder) throws Exception {
        int many = 3000;
        die(many);
        consumer.channel("audit").pause();
        int port = freePort();
        Process child = child(folder, port);
        await().atMost(PATIENCE)
                .ignoreExceptions()
                .until(() -> post(port, "{\"dry_run\":true}").contains("count"));
        String id = JsonMapper.shared()
                .readTree(post(port, "{\"rate\":1000}"))
                .path("id")
                .asString();
        await().atMost(PATIENCE).until(() -> look(consumer, id).path("redriven").asLong() >= 300);
        child.destroyForcibly().waitFor();
        long before = look(consumer, id).path("redriven").asLong();
        assertThat(before).isLessThan(many);
        await().atMost(Duration.ofSeconds(15))
                .until(() -> look(consumer, id).path("redriven").asLong() > before);
        JsonNode end = awaitEnd(consumer, id);
        assertThat(end.path("redriven").asLong()).isEqualTo(many);
        assertThat(end.path("skipped").asLong()).isZero();
        await().atMost(PATIENCE).until(() -> dead("{}") == 0);
        consumer.channel("audit").resume();
        await().atMost(PATIENCE).until(() -> audit.delivered.size() >= many);
        await().during(Duration.ofSeconds(1)).atMost(PATIENCE).until(() -> audit.delivered.size() == many);
        assertThat(audit.deliveredIds()).doesNotHaveDuplicates();
    }

    @Test
    void forgetsThoseThatHaveEndedAWeekAgo() throws Exception {
        SharedState state = consumer.bean(SharedState.class);
        die(1);
        String id = begin("{}");
        RedriveJob done = requireNonNull(state.get("redrive." + id)).as(RedriveJob.class);
        awaitEnd(consumer, id);
        Instant ended = Instant.now().minus(Duration.ofDays(8));
        state.put("redrive.old", old(done, ended));
        await().atMost(PATIENCE).until(() -> state.get("redrive.old") == null);
        assertThat(look(consumer, id).path("state").asString()).isEqualTo("done");
    }

    private static RedriveJob old(RedriveJob job, Instant ended) {
        return new RedriveJob(
                "old",
                job.filter(),
                job.rate(),
                job.bound(),
                job.next(),
                job.matched(),
                job.counts(),
                List.of(),
                null,
                job.standing().ended(Standing.State.DONE, ended).nothingLeft());
    }

    private Process child(Path folder, int port) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                ConsumerApplication.class.getName()));
        for (String argument : Consumer.arguments(server.url(), SETTINGS)) {
            command.add(argument.startsWith("--server.port=") ? "--server.port=" + port : argument);
        }
        Process child = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile())
                .start();
        opened.add(child::destroyForcibly);
        return child;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static String post(int port, String body) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(
                            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/api/redrives"))
                                    .header("Content-Type", "application/json")
                                    .POST(HttpRequest.BodyPublishers.ofString(body))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body();
        }
    }
}
