package dev.saf.consumer.operations;

import static dev.saf.consumer.Nats.event;
import static dev.saf.consumer.ScriptedChannelFactory.script;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.channel.RejectedEventException;
import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.consumer.ledger.DeadLetters;
import dev.saf.consumer.ledger.Redrive;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.natsserver.NatsServer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;

class DeadLettersIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final AtomicBoolean rejecting = new AtomicBoolean(true);
    private final RecordingChannel audit = new RecordingChannel(event -> {
        if (rejecting.get()) {
            throw new RejectedEventException("not today");
        }
    });
    private final RecordingChannel other = new RecordingChannel();
    private final Nats nats = opened.add(new Nats(server).withStreams());
    private Consumer consumer = consumer();

    private Consumer consumer(String... more) {
        script("audit", audit);
        script("other", other);
        List<String> settings = new ArrayList<>(List.of(
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.ack-wait=1s",
                "saf.channels.other.type=scripted"));
        settings.addAll(List.of(more));
        return Consumer.start(server, settings.toArray(String[]::new));
    }

    @AfterEach
    void close() {
        consumer.close();
    }

    private void awaitLetters(int count) {
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(list("").path("items").size()).isEqualTo(count));
    }

    private JsonNode list(String query) {
        return Answer.to(consumer, "GET", "/api/dead-letters" + query).ok(200);
    }

    private static List<Long> sequences(JsonNode page) {
        List<Long> sequences = new ArrayList<>();
        page.path("items").forEach(item -> sequences.add(item.path("sequence").asLong()));
        return sequences;
    }

    @Test
    void listsThemTheNewestLast() {
        Instant before = Instant.now().minusSeconds(5);
        nats.publish("1");
        awaitLetters(1);
        JsonNode page = list("");
        assertThat(page.has("next")).isTrue();
        assertThat(page.path("next").isNull()).isTrue();
        JsonNode item = page.path("items").get(0);
        assertThat(item.propertyNames())
                .containsExactly(
                        "sequence",
                        "channel",
                        "subject",
                        "id",
                        "source",
                        "reason",
                        "error",
                        "attempts",
                        "redrives",
                        "event_sequence",
                        "first_failure",
                        "last_failure",
                        "stored");
        assertThat(item.path("sequence").asLong()).isEqualTo(1);
        assertThat(item.path("channel").asString()).isEqualTo("audit");
        assertThat(item.path("subject").asString()).isEqualTo("orders.placed");
        assertThat(item.path("id").asString()).isEqualTo("1");
        assertThat(item.path("source").asString()).isEqualTo("shop");
        assertThat(item.path("reason").asString()).isEqualTo("rejected");
        assertThat(item.path("error").asString()).contains("not today");
        assertThat(item.path("attempts").asLong()).isEqualTo(1);
        assertThat(item.path("redrives").asLong()).isZero();
        assertThat(item.path("event_sequence").asLong()).isEqualTo(1);
        for (String time : List.of("first_failure", "last_failure", "stored")) {
            assertThat(Instant.parse(item.path(time).asString())).isAfter(before);
            assertThat(item.path(time).asString()).endsWith("Z");
        }
        nats.publish("2", "3");
        awaitLetters(3);
        assertThat(sequences(list(""))).containsExactly(1L, 2L, 3L);
    }

    @Test
    void listsThemInPartsWithoutMissingOrRepeatingAny() {
        nats.publish(23);
        awaitLetters(23);
        List<Long> sequences = new ArrayList<>();
        JsonNode page = list("?limit=5");
        sequences.addAll(sequences(page));
        while (!page.path("next").isNull()) {
            assertThat(page.path("items").size()).isEqualTo(5);
            page = list("?limit=5&cursor=" + page.path("next").asString());
            sequences.addAll(sequences(page));
        }
        assertThat(sequences).hasSize(23).isSorted().doesNotHaveDuplicates();
    }

    @Test
    void listsThoseThatAreAskedFor() {
        nats.publish(event("orders.placed", "1"));
        awaitLetters(1);
        Instant between = Instant.now();
        nats.publish(event("orders.paid", "2"));
        awaitLetters(2);
        assertThat(sequences(list("?channel=audit"))).containsExactly(1L, 2L);
        assertThat(sequences(list("?channel=other"))).isEmpty();
        assertThat(sequences(list("?subject=orders.paid"))).containsExactly(2L);
        assertThat(sequences(list("?subject=orders.*"))).containsExactly(1L, 2L);
        assertThat(sequences(list("?subject=orders"))).isEmpty();
        assertThat(sequences(list("?subject=%3E"))).containsExactly(1L, 2L);
        assertThat(sequences(list("?reason=rejected"))).containsExactly(1L, 2L);
        assertThat(sequences(list("?reason=gave-up"))).isEmpty();
        assertThat(sequences(list("?since=" + between))).containsExactly(2L);
        assertThat(sequences(list("?until=" + between))).containsExactly(1L);
        assertThat(sequences(list("?until=" + between.plusSeconds(3600) + "&since=" + between.minusSeconds(3600))))
                .containsExactly(1L, 2L);
    }

    @Test
    void findsThoseWithAReasonHoweverRareItIs() throws Exception {
        nats.publish(30);
        nats.publishRaw("events.orders.placed", null, new byte[0]);
        // The other channel keeps the undecodable one as well.
        awaitLetters(32);
        List<Long> found = new ArrayList<>();
        JsonNode page = list("?reason=undecodable&limit=1");
        found.addAll(sequences(page));
        while (!page.path("next").isNull()) {
            page = list(
                    "?reason=undecodable&limit=1&cursor=" + page.path("next").asString());
            found.addAll(sequences(page));
        }
        assertThat(found).hasSize(2);
    }

    @Test
    void refusesFiltersThatAreNone() {
        """
        ?chanel=audit               | chanel is unknown; allowed are channel, subject, reason, since, until, cursor, limit
        ?limit=0                    | limit must be between 1 and 500
        ?limit=501                  | limit must be between 1 and 500
        ?limit=ten                  | limit must be a whole number
        ?limit=1&limit=2            | limit must not be given more than once
        ?cursor=next                | cursor must be the value of next in an answer, or left out
        ?reason=bad                 | reason must be one of undecodable, rejected, gave-up, crash-loop, expiring,
        ?since=yesterday            | since must be a time as in RFC 3339, such as 2026-01-02T03:04:05Z
        ?since=2999-01-01T00:00:00Z | since must not lie in the future
        ?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z | until must be later than since
        ?subject=a..b               | subject must be dot-separated tokens
        ?subject=a.%3E.b            | subject must be dot-separated tokens
        """.lines().forEach(line -> {
            String[] parts = line.split(" +\\| ", 2);
            assertThat(Answer.to(consumer, "GET", "/api/dead-letters" + parts[0])
                            .problem(400, "invalid-request"))
                    .startsWith(parts[1]);
        });
    }

    @Test
    void refusesACursorOfAnotherList() {
        nats.publish(2);
        awaitLetters(2);
        String next = list("?limit=1").path("next").asString();
        assertThat(Answer.to(consumer, "GET", "/api/dead-letters?channel=audit&cursor=" + next)
                        .problem(400, "invalid-request"))
                .isEqualTo("cursor belongs to a list with other filters; repeat those, or begin without a cursor");
    }

    @Test
    void saysThatThereIsNone() {
        for (String request : List.of(
                "GET /api/dead-letters?channel=unknown",
                "GET /api/dead-letters?channel=%2A",
                "GET /api/dead-letters/7",
                "GET /api/dead-letters/0",
                "DELETE /api/dead-letters/7",
                "POST /api/dead-letters/7/redrive")) {
            String[] parts = request.split(" ", 2);
            assertThat(Answer.to(consumer, parts[0], parts[1]).problem(404, "not-found"))
                    .startsWith("There is no ");
        }
    }

    @Test
    void tellsAllOfADeadLetter() {
        String json = "{\"big\":12345678901234567890.10,\"b\":1,\"a\":\"\\u00e9\"}";
        nats.publish(Event.of(
                "orders.placed",
                "é/1",
                "shop",
                Instant.parse("2026-01-02T03:04:05Z"),
                Payload.of(json.getBytes(StandardCharsets.UTF_8), "application/json")));
        awaitLetters(1);
        Answer answer = Answer.to(consumer, "GET", "/api/dead-letters/1");
        JsonNode letter = answer.ok(200);
        assertThat(letter.path("id").asString()).isEqualTo("é/1");
        assertThat(letter.path("reason").asString()).isEqualTo("rejected");
        assertThat(letter.path("content_type").asString()).isEqualTo("application/json");
        // Every byte as it was.
        assertThat(answer.http().body()).contains("\"payload\":" + json);
        assertThat(letter.has("payload_base64")).isFalse();
        assertThat(letter.at("/headers/ce-id/0").asString()).isEqualTo("%C3%A9/1");
        assertThat(letter.at("/headers/Saf-Channel/0").asString()).isEqualTo("audit");
        assertThat(letter.path("history").size()).isEqualTo(1);
        JsonNode attempt = letter.path("history").get(0);
        assertThat(attempt.propertyNames()).containsExactly("number", "time", "took_ms", "error");
        assertThat(attempt.path("number").asInt()).isEqualTo(1);
        assertThat(attempt.path("error").asString()).contains("not today");
    }

    @Test
    void tellsThePayloadThatIsNoJsonInBase64() {
        nats.publish(Event.of("a", "1", "shop", Instant.EPOCH, Payload.of(new byte[] {0, (byte) 0xff}, "image/png")));
        awaitLetters(1);
        nats.publish(Event.of(
                "a",
                "2",
                "shop",
                Instant.EPOCH,
                Payload.of("{\"not\": json".getBytes(StandardCharsets.UTF_8), "application/json")));
        awaitLetters(2);
        JsonNode image = Answer.to(consumer, "GET", "/api/dead-letters/1").ok(200);
        assertThat(image.path("payload_base64").asString()).isEqualTo("AP8=");
        assertThat(image.has("payload")).isFalse();
        JsonNode broken = Answer.to(consumer, "GET", "/api/dead-letters/2").ok(200);
        assertThat(broken.path("payload_base64").asString()).isEqualTo("eyJub3QiOiBqc29u");
    }

    @Test
    void sendsAnEventToItsOwnChannelAgainAndOnlyOnce() {
        nats.publish("1");
        awaitLetters(1);
        await().atMost(PATIENCE).until(() -> other.delivered.size() == 1);
        rejecting.set(false);
        JsonNode answer =
                Answer.to(consumer, "POST", "/api/dead-letters/1/redrive").ok(202);
        assertThat(answer.toString())
                .isEqualTo("{\"sequence\":1,\"channel\":\"audit\",\"subject\":\"orders.placed\","
                        + "\"event_sequence\":1,\"redrives\":1}");
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
        Event again = requireNonNull(audit.delivered.peek());
        assertThat(again.attributes()).containsEntry("safredrive", "1");
        assertThat(again.id()).isEqualTo("1");
        assertThat(again.payload())
                .isEqualTo(requireNonNull(other.delivered.peek()).payload());
        awaitLetters(0);
        assertThat(Answer.to(consumer, "POST", "/api/dead-letters/1/redrive").problem(409, "conflict"))
                .isEqualTo("Dead letter 1 was sent already.");
        assertThat(Answer.to(consumer, "GET", "/api/dead-letters/1").status()).isEqualTo(404);
        assertThat(consumer.metric("saf.channel.redriven", "audit")).isEqualTo(1);
        await().during(Duration.ofSeconds(1)).atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
        assertThat(other.offered).hasSize(1);
    }

    @Test
    void whatDiesAgainIsADeadLetterAgainAndRemembers() {
        nats.publish("1");
        awaitLetters(1);
        Answer.to(consumer, "POST", "/api/dead-letters/1/redrive").ok(202);
        await().atMost(PATIENCE).until(() -> sequences(list("")).equals(List.of(2L)));
        JsonNode letter = Answer.to(consumer, "GET", "/api/dead-letters/2").ok(200);
        assertThat(letter.path("redrives").asInt()).isEqualTo(1);
        assertThat(letter.path("attempts").asInt()).isEqualTo(1);
        assertThat(letter.path("history").size()).isEqualTo(2);
        rejecting.set(false);
        assertThat(Answer.to(consumer, "POST", "/api/dead-letters/2/redrive")
                        .ok(202)
                        .path("redrives")
                        .asInt())
                .isEqualTo(2);
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
    }

    @Test
    void aCrashBetweenSendingAndDeletingSendsNothingTwice() throws Exception {
        nats.publish("1");
        awaitLetters(1);
        consumer.channel("audit").pause();
        DeadLetters letters = consumer.bean(DeadLetters.class);
        assertThat(consumer.bean(Redrive.class).send(requireNonNull(letters.find(1))))
                .isEqualTo(Redrive.Sent.NOW);
        rejecting.set(false);
        assertThat(Answer.to(consumer, "POST", "/api/dead-letters/1/redrive").problem(409, "conflict"))
                .isEqualTo("Dead letter 1 was sent already.");
        awaitLetters(0);
        consumer.channel("audit").resume();
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
        await().during(Duration.ofSeconds(1)).atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
    }

    @Test
    void aDeadLetterThatACrashHasLeftIsGoneWhenItsEventIsDelivered() throws Exception {
        nats.publish("1", "2");
        awaitLetters(2);
        rejecting.set(false);
        assertThat(consumer.bean(Redrive.class)
                        .send(requireNonNull(consumer.bean(DeadLetters.class).find(1))))
                .isEqualTo(Redrive.Sent.NOW);
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
        assertThat(sequences(list(""))).containsExactly(2L);
    }

    @Test
    void sendsNothingToAChannelThatIsNotConfigured() {
        nats.publish("1");
        awaitLetters(1);
        consumer.close();
        consumer = Consumer.start(server, "saf.channels.other.type=scripted");
        assertThat(sequences(list("?channel=audit"))).containsExactly(1L);
        assertThat(Answer.to(consumer, "POST", "/api/dead-letters/1/redrive").problem(409, "conflict"))
                .startsWith("No channel audit is configured");
        assertThat(Answer.to(consumer, "POST", "/api/redrives", "{\"channel\":\"audit\"}")
                        .problem(409, "conflict"))
                .startsWith("No channel audit is configured");
        assertThat(sequences(list(""))).containsExactly(1L);
    }

    @Test
    void deletesOneForGood() {
        nats.publish("1", "2");
        awaitLetters(2);
        assertThat(Answer.to(consumer, "DELETE", "/api/dead-letters/1").status())
                .isEqualTo(204);
        assertThat(sequences(list(""))).containsExactly(2L);
        assertThat(Answer.to(consumer, "DELETE", "/api/dead-letters/1").status())
                .isEqualTo(404);
        assertThat(Answer.to(consumer, "POST", "/api/dead-letters/1/redrive").status())
                .isEqualTo(404);
    }

    @Test
    void showsWhatSomebodyElseHasPutThere() throws Exception {
        nats.publishRaw("dead-letters.audit.x.y", null, "?".getBytes(StandardCharsets.UTF_8));
        JsonNode item = list("").path("items").get(0);
        assertThat(item.path("channel").asString()).isEqualTo("audit");
        assertThat(item.path("id").isNull()).isTrue();
        assertThat(Answer.to(consumer, "GET", "/api/dead-letters/1")
                        .ok(200)
                        .path("payload_base64")
                        .asString())
                .isEqualTo("Pw==");
        assertThat(Answer.to(consumer, "POST", "/api/dead-letters/1/redrive").problem(409, "conflict"))
                .isEqualTo("Dead letter 1 does not say where it came from: the message has no header Saf-Channel.");
    }

    @Test
    void saysSoWhenNatsIsAway() {
        nats.publish("1");
        awaitLetters(1);
        server.stop();
        for (String request : List.of(
                "GET /api/dead-letters",
                "GET /api/dead-letters/1",
                "POST /api/dead-letters/1/redrive",
                "DELETE /api/dead-letters/1",
                "GET /api/retries",
                "POST /api/retries/audit.1.abc.1-1/now",
                "GET /api/redrives",
                "GET /api/redrives/abc")) {
            Answer answer = Answer.to(consumer, request.split(" ", 2)[0], request.split(" ", 2)[1]);
            assertThat(answer.problem(503, "unavailable")).startsWith("NATS is away");
            assertThat(answer.http().headers().firstValue("Retry-After")).hasValue("1");
        }
    }
}
