package dev.saf.deployments.clusters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.saf.peers.Tool;
import io.nats.client.Connection;
import io.nats.client.ErrorListener;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamSubscription;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.PullSubscribeOptions;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.StreamConfiguration;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The permissions in {@code deployments/nats}: everything that Saf can do, and nothing else. */
@SuppressWarnings("try") // Connection.close may be interrupted
class PermissionsIT {

    private static final Path CONFIGURATIONS = Tool.project().resolve("deployments/nats");

    /** Where a user is told what it may do. */
    private static final String TOLD_OF = "$SYS.REQ.USER.INFO";

    private static final Pattern FAILED = Pattern.compile("FAIL  permissions: .* may not publish to \"([^\"]*)\"");
    private static final Pattern NOTED = Pattern.compile("note  permissions: .* may not publish to \\[([^]]*)]");

    @TempDir
    private Path folder;

    private Loopback loopback;

    private final HttpClient client = HttpClient.newHttpClient();

    @BeforeEach
    void prepare() throws Exception {
        loopback = new Loopback(folder)
                .with("NATS_PRODUCER_PASSWORD", "producer-password")
                .with("NATS_CONSUMER_PASSWORD", "consumer-password")
                .with("NATS_OPERATOR_PASSWORD", "operator-password")
                .with("NATS_SYSTEM_PASSWORD", "system-password");
        for (String file : List.of("single", "operations", "accounts", "producer", "consumer")) {
            Files.copy(CONFIGURATIONS.resolve(file + ".conf"), folder.resolve(file + ".conf"));
        }
    }

    @AfterEach
    void end() {
        client.close();
        loopback.close();
    }

    @Test
    void areThoseThatTheScriptPrints() throws Exception {
        for (String service : List.of("producer", "consumer")) {
            assertThat(CONFIGURATIONS.resolve(service + ".conf")).content().isEqualTo(permissions(service));
        }
    }

    @Test
    void sufficeForEverythingThatSafCanDo() throws Exception {
        serve();
        // Short, so that events can be trimmed before long, and are looked for beyond it.
        startServices("2s");
        walkThroughTheLifeOfAnEvent();
        assertThat(api("POST", "/channels/all/replays", "{\"from_sequence\":1}"))
                .contains("running");
        await().untilAsserted(() -> assertThat(get("/replays")).contains("\"done\""));
        try (Connection operator = connect("operator", "_INBOX", new Refusals())) {
            operator.jetStreamManagement()
                    .addOrUpdateConsumer(
                            "events",
                            ConsumerConfiguration.builder().durable("saf-gone").build());
            // The consumer reads what the server has to say of that.
            terminateAMessage(operator);
            await().untilAsserted(() -> assertThat(operator.jetStreamManagement()
                            .getConsumerInfo("advisories", "saf-advisories")
                            .getAckFloor()
                            .getStreamSequence())
                    .isPositive());
        }
        assertThat(get("/durables")).contains("saf-gone");
        assertThat(api("DELETE", "/durables/saf-gone", null)).contains("saf-gone");
        fillTheStreamUntilItIsTrimmed();
        assertThat(violations()).isEmpty();
    }

    @Test
    void ofTheChannelsAloneSufficeForThem() throws Exception {
        Files.writeString(folder.resolve("consumer.conf"), permissions("consumer", "all", "failing"));
        serve();
        startServices("10m");
        walkThroughTheLifeOfAnEvent();
        assertThat(violations()).isEmpty();
        assertRefused(
                "consumer",
                "$JS.API.CONSUMER.CREATE.events.saf-other",
                "$JS.API.CONSUMER.CREATE.events.saf-other.events.>",
                "$JS.API.CONSUMER.CREATE.events",
                "$JS.API.CONSUMER.DURABLE.CREATE.events.saf-other",
                "$JS.API.CONSUMER.MSG.NEXT.events.saf-other",
                "$JS.API.CONSUMER.DELETE.events.saf-other",
                "$JS.API.CONSUMER.DELETE.events.saf-all",
                "$JS.ACK.events.saf-other.1.1.1.1.0");
    }

    @Test
    void areEnoughForACheckOfTheServicesAsTheyAreDelivered() throws Exception {
        serve();
        for (String service : List.of("producer", "consumer")) {
            Check check = check(service);
            assertThat(check.said)
                    .contains("ok    permissions: user %s may do all that is needed".formatted(service))
                    .contains("The check has found nothing wrong.")
                    .doesNotContain("note", service + "-password", "\tat ");
            assertThat(check.exitCode).isZero();
        }
        try (Connection operator = connect("operator", "_INBOX", new Refusals())) {
            assertThat(operator.jetStreamManagement().getStreamNames()).isEmpty();
        }
        assertThat(violations()).isEmpty();
    }

    @Test
    void areNamedByACheckOneByOneWhereTheyAreMissing() throws Exception {
        for (String service : List.of("producer", "consumer")) {
            Files.writeString(
                    folder.resolve(service + ".conf"),
                    "publish: { allow: \"%s\" }, subscribe: { allow: \"_INBOX_%s.>\" }".formatted(TOLD_OF, service));
        }
        serve();
        Check producer = check("producer");
        assertThat(producer.exitCode).isEqualTo(3);
        assertThat(named(FAILED, producer.said)).containsExactlyInAnyOrderElementsOf(published("producer"));
        Check consumer = check("consumer");
        assertThat(consumer.exitCode).isEqualTo(3);
        List<String> failed = named(FAILED, consumer.said);
        assertThat(failed).containsExactlyInAnyOrderElementsOf(published("consumer", "all", "failing"));
        // What is printed without channels is in the place of those of single channels.
        assertThat(named(NOTED, consumer.said))
                .allSatisfy(subject -> assertThat(published("consumer")).contains(subject));
        failed.addAll(named(NOTED, consumer.said));
        assertThat(failed).containsAll(published("consumer"));
    }

    @Test
    void areRefusedForEverythingElse() throws Exception {
        serve();
        assertRefused(
                "producer",
                "$JS.API.STREAM.DELETE.events",
                "$JS.API.STREAM.UPDATE.events",
                "$JS.API.STREAM.PURGE.events",
                "$JS.API.STREAM.NAMES",
                "$JS.API.STREAM.MSG.DELETE.events",
                "$JS.API.STREAM.MSG.GET.dead-letters",
                "$JS.API.STREAM.INFO.dead-letters",
                "$JS.API.STREAM.CREATE.other",
                "$JS.API.STREAM.SNAPSHOT.events",
                "$JS.API.STREAM.RESTORE.events",
                "$JS.API.CONSUMER.CREATE.events.saf-all",
                "$JS.API.CONSUMER.MSG.NEXT.events.saf-all",
                "$JS.API.CONSUMER.DELETE.events.saf-all",
                "$JS.ACK.events.saf-all.1.1.1.1.0",
                "dead-letters.all.1.order",
                "later.at.all.1.x",
                "$KV.saf.channel.all",
                "other",
                "$SYS.REQ.SERVER.PING");
        assertRefused(
                "consumer",
                "$JS.API.STREAM.DELETE.events",
                "$JS.API.STREAM.DELETE.dead-letters",
                "$JS.API.STREAM.UPDATE.events",
                "$JS.API.STREAM.UPDATE.later",
                "$JS.API.STREAM.PURGE.dead-letters",
                "$JS.API.STREAM.MSG.DELETE.events",
                "$JS.API.STREAM.CREATE.other",
                "$JS.API.STREAM.SNAPSHOT.events",
                "$JS.API.STREAM.RESTORE.events",
                "$JS.API.CONSUMER.CREATE.KV_saf.x",
                "$JS.API.CONSUMER.MSG.NEXT.other.x",
                "events.order.placed",
                "other",
                "$SYS.REQ.SERVER.PING");
        assertThat(refusedSubscriptions("producer", ">", "events.>", "_INBOX.>", "_INBOX_consumer.>", "$JS.API.>"))
                .hasSize(5);
        assertThat(refusedSubscriptions("consumer", ">", "dead-letters.>", "_INBOX.>", "_INBOX_producer.>", "$KV.>"))
                .hasSize(5);
    }

    @Test
    void letTheServerSeeToItThatNoStreamIsAltered() throws Exception {
        serve();
        try (Connection producer = connect("producer", "_INBOX_producer", new Refusals())) {
            StreamConfiguration stream = StreamConfiguration.builder()
                    .name("events")
                    .subjects("events.>")
                    .maxMessages(10)
                    .build();
            producer.jetStreamManagement().addStream(stream);
            producer.jetStreamManagement().addStream(stream);
            StreamConfiguration other =
                    StreamConfiguration.builder(stream).maxMessages(5).build();
            assertThatThrownBy(() -> producer.jetStreamManagement().addStream(other))
                    .isInstanceOfSatisfying(
                            JetStreamApiException.class,
                            refusal -> assertThat(refusal.getApiErrorCode()).isEqualTo(10058));
        }
    }

    /** Stored, repeated, reused, delivered, failed, parked, sent at once, dead, sent again; paused on the way. */
    private void walkThroughTheLifeOfAnEvent() throws Exception {
        assertThat(send("order.placed", "order-1", "1")).contains("\"duplicate\":false");
        assertThat(send("order.placed", "order-1", "1")).contains("\"duplicate\":true");
        assertThat(send("order.placed", "order-1", "2")).contains("id-reused");
        assertThat(send("ride.begun", "ride-1", "1")).contains("\"sequence\":2");
        await().untilAsserted(() -> assertThat(loopback.log("consumer")).contains("order.placed order-1", "ride-1"));
        await().untilAsserted(
                        () -> assertThat(get("/events/order-1?service=shop")).contains("\"parked\""));
        assertThat(get("/channels")).contains("\"parked\":1");
        assertThat(api("POST", "/channels/failing/pause", null)).contains("\"paused\"");
        assertThat(api("POST", "/channels/failing/resume", null)).contains("\"running\"");
        Matcher retry = Pattern.compile("\"id\":\"(failing[^\"]*)\"").matcher(get("/retries"));
        assertThat(retry.find()).isTrue();
        assertThat(api("POST", "/retries/" + retry.group(1) + "/now", null)).contains("order-1");
        await().untilAsserted(() -> assertThat(get("/dead-letters")).contains("gave-up"));
        assertThat(get("/dead-letters/1")).contains("\"history\"");
        assertThat(api("POST", "/dead-letters/1/redrive", null)).contains("\"redrives\":1");
        assertThat(api("POST", "/redrives", "{}")).contains("\"id\"");
        await().untilAsserted(() -> assertThat(get("/redrives")).doesNotContain("running"));
    }

    private static void terminateAMessage(Connection operator) throws Exception {
        JetStreamSubscription gone =
                operator.jetStream().subscribe(null, PullSubscribeOptions.bind("events", "saf-gone"));
        gone.fetch(1, Duration.ofSeconds(5)).forEach(Message::term);
        operator.flush(Duration.ofSeconds(5));
        gone.unsubscribe();
    }

    private void fillTheStreamUntilItIsTrimmed() {
        String payload = "\"" + "x".repeat(20_000) + "\"";
        try (Connection operator = connect("operator", "_INBOX", new Refusals())) {
            await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> {
                send("ride.long", "", payload);
                assertThat(operator.jetStreamManagement()
                                .getStreamInfo("events")
                                .getStreamState()
                                .getFirstSequence())
                        .isGreaterThan(1);
            });
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void serve() {
        loopback.run("server", "a1", folder.resolve("single.conf").toString());
        loopback.run("current", "a1");
    }

    private void startServices(String duplicateWindow) {
        String nats = "saf.nats.servers=nats://127.0.0.1:" + loopback.port(21);
        String window = "saf.streams.events.duplicate-window=" + duplicateWindow;
        String small = "saf.streams.events.max-bytes=1MB";
        loopback.service(
                "producer",
                1,
                nats,
                window,
                small,
                "saf.producer.publish-budget=1s",
                "saf.producer.attempt-timeout=500ms",
                "saf.nats.user=producer",
                "saf.nats.password=producer-password",
                "saf.nats.inbox-prefix=_INBOX_producer");
        loopback.service(
                "consumer",
                3,
                nats,
                window,
                small,
                "saf.upkeep.interval=1s",
                "saf.nats.user=consumer",
                "saf.nats.password=consumer-password",
                "saf.nats.inbox-prefix=_INBOX_consumer",
                "saf.channels.all.type=log",
                // Several of them are asked for in another way than one.
                "saf.channels.all.subjects=order.>,ride.>",
                "saf.channels.failing.type=webhook",
                "saf.channels.failing.url=http://127.0.0.1:" + loopback.port(0),
                "saf.channels.failing.subjects=order.>",
                "saf.channels.failing.ordering=key",
                "saf.channels.failing.retry.schedule=1s,1h");
    }

    private String permissions(String... service) throws IOException, InterruptedException {
        Path output = folder.resolve("permissions.txt");
        List<String> command =
                new ArrayList<>(List.of(CONFIGURATIONS.resolve("permissions").toString()));
        command.addAll(List.of(service));
        assertThat(loopback.start(command, output).waitFor()).isZero();
        return Files.readString(output);
    }

    /** What a check of a service says, and with what it ends. */
    private record Check(int exitCode, String said) {}

    /** Runs the service as it is delivered, with a web server's port that is not free. */
    private Check check(String service) throws IOException, InterruptedException {
        Path output = folder.resolve("check.txt");
        List<String> command = new ArrayList<>(List.of(
                "java",
                "-jar",
                Loopback.jar(service).toString(),
                "--check",
                "--server.port=" + loopback.port(21),
                "--saf.nats.servers=nats://127.0.0.1:" + loopback.port(21),
                "--saf.nats.user=" + service,
                "--saf.nats.password=" + service + "-password",
                "--saf.nats.inbox-prefix=_INBOX_" + service));
        if (service.equals("consumer")) {
            command.add("--saf.channels.all.type=log");
            command.add("--saf.channels.failing.type=log");
        }
        int exitCode = loopback.start(command, output).waitFor();
        return new Check(exitCode, Files.readString(output));
    }

    private static List<String> named(Pattern pattern, String said) {
        List<String> named = new ArrayList<>();
        pattern.matcher(said)
                .results()
                .forEach(match -> named.addAll(List.of(match.group(1).split(", ", -1))));
        return named;
    }

    /** To which subjects the script says that a service may publish, but the one it needs to be told that. */
    private List<String> published(String... service) throws IOException, InterruptedException {
        String allowed = permissions(service);
        return Pattern.compile("\"(.*)\"")
                .matcher(allowed.substring(0, allowed.indexOf("subscribe")))
                .results()
                .map(match -> match.group(1))
                .filter(subject -> !subject.equals(TOLD_OF))
                .toList();
    }

    /** What the server has refused to services; those of other tests are refused on purpose. */
    private List<String> violations() {
        return loopback.log("a1")
                .lines()
                .filter(line -> line.contains("Violation") && line.contains("java:saf-"))
                .toList();
    }

    private void assertRefused(String user, String... subjects) throws Exception {
        Refusals refusals = new Refusals();
        try (Connection connection = connect(user, "_INBOX_" + user, refusals)) {
            for (String subject : subjects) {
                connection.publish(subject, "_INBOX_" + user + ".answer", new byte[0]);
            }
            connection.flush(Duration.ofSeconds(5));
            await().untilAsserted(() -> assertThat(refusals.all)
                    .containsExactlyInAnyOrder(List.of(subjects).stream()
                            .map("Permissions Violation for Publish to \"%s\""::formatted)
                            .toArray(String[]::new)));
        }
    }

    private List<String> refusedSubscriptions(String user, String... subjects) throws Exception {
        Refusals refusals = new Refusals();
        try (Connection connection = connect(user, "_INBOX_" + user, refusals)) {
            for (String subject : subjects) {
                connection.subscribe(subject);
            }
            connection.flush(Duration.ofSeconds(5));
            await().until(() -> refusals.all.size() >= subjects.length);
        }
        return refusals.all;
    }

    private Connection connect(String user, String inboxPrefix, Refusals refusals)
            throws IOException, InterruptedException {
        return Nats.connect(new Options.Builder()
                .server("nats://127.0.0.1:" + loopback.port(21))
                .userInfo(user.toCharArray(), (user + "-password").toCharArray())
                .inboxPrefix(inboxPrefix)
                .errorListener(refusals)
                .build());
    }

    /** What the server does not let a client do. */
    private static final class Refusals implements ErrorListener {

        private final List<String> all = new CopyOnWriteArrayList<>();

        @Override
        public void errorOccurred(Connection connection, String error) {
            all.add(error);
        }
    }

    private String send(String subject, String id, String payload) {
        String identity = id.isEmpty() ? "" : "\"id\":\"%s\",\"service\":\"shop\",".formatted(id);
        return request(
                "POST",
                "http://127.0.0.1:%d/api/event".formatted(loopback.port(1)),
                "{%s\"subject\":\"%s\",\"payload\":%s}".formatted(identity, subject, payload));
    }

    private String get(String path) {
        return api("GET", path, null);
    }

    private String api(String method, String path, @Nullable String body) {
        return request(method, "http://127.0.0.1:%d/api%s".formatted(loopback.port(3), path), body);
    }

    private String request(String method, String url, @Nullable String body) {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url))
                .timeout(Duration.ofSeconds(15))
                .header("Content-Type", "application/json")
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                .build();
        try {
            HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
            return response.body();
        } catch (IOException e) {
            return e.toString();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
