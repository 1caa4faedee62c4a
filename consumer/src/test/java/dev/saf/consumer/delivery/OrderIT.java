package dev.saf.consumer.delivery;

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
import dev.saf.consumer.Replica;
import dev.saf.consumer.ledger.Passage;
import dev.saf.natsserver.NatsServer;
import io.nats.client.JetStreamSubscription;
import io.nats.client.Message;
import io.nats.client.PullSubscribeOptions;
import io.nats.client.PurgeOptions;
import io.nats.client.api.MessageInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Events of one key are delivered one after another, in the order of the stream. */
class OrderIT {

    private static final Logger log = LoggerFactory.getLogger(OrderIT.class);
    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final String PARKS_AT_ONCE = "saf.channels.audit.retry.park-after=0s";

    @TempDir
    private Path folder = Path.of("");

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Nats nats = opened.add(new Nats(server).withStreams());

    private Consumer consumer(RecordingChannel audit, String... settings) {
        script("audit", audit);
        return opened.add(Consumer.start(
                server,
                Stream.concat(
                                Stream.of(
                                        "saf.channels.audit.type=scripted",
                                        "saf.channels.audit.ordering=key",
                                        "saf.channels.audit.ack-wait=2s"),
                                Stream.of(settings))
                        .toArray(String[]::new)));
    }

    private static boolean holds(Consumer consumer) {
        return consumer.metric("saf.channel.order.holder", "audit") == 1;
    }

    /** Events of a key have it as their subject, and are numbered in their ids. */
    private void publish(String key, int from, int to) {
        for (int i = from; i <= to; i++) {
            nats.publish(event(key, key + "-" + i));
        }
    }

    private static List<String> ids(String key, int from, int to) {
        return IntStream.rangeClosed(from, to).mapToObj(i -> key + "-" + i).toList();
    }

    private static List<String> of(String key, List<String> ids) {
        return ids.stream().filter(id -> id.startsWith(key + "-")).toList();
    }

    private void awaitAllSettled() {
        await().atMost(PATIENCE).until(() -> nats.due("audit") == 0 && nats.unsettled("audit") == 0);
    }

    @Test
    void eventsOfOneKeyAreDeliveredOneAfterAnotherAndThoseOfOthersBesideThem() {
        Set<String> running = ConcurrentHashMap.newKeySet();
        AtomicInteger most = new AtomicInteger();
        AtomicBoolean together = new AtomicBoolean();
        RecordingChannel audit = new RecordingChannel(event -> {
            if (!running.add(event.subject())) {
                together.set(true);
            }
            most.accumulateAndGet(running.size(), Math::max);
            TimeUnit.MILLISECONDS.sleep(ThreadLocalRandom.current().nextInt(10));
            running.remove(event.subject());
        });
        Consumer consumer = consumer(audit);
        for (int i = 0; i < 20; i++) {
            for (int key = 0; key < 20; key++) {
                publish("k" + key, i, i);
            }
        }
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 400);
        assertThat(together).isFalse();
        assertThat(most.get()).isGreaterThan(5);
        for (int key = 0; key < 20; key++) {
            assertThat(of("k" + key, audit.offeredIds())).isEqualTo(ids("k" + key, 0, 19));
        }
        awaitAllSettled();
        assertThat(consumer.metric("saf.channel.held", "audit")).isZero();
    }

    @Test
    void aFailingEventHoldsBackOnlyThoseOfItsKey() {
        AtomicInteger failures = new AtomicInteger();
        RecordingChannel audit = new RecordingChannel(event -> {
            if (event.id().equals("bad-1") && failures.incrementAndGet() < 3) {
                throw new IllegalStateException("not yet");
            }
        });
        Consumer _ = consumer(audit, "saf.channels.audit.retry.schedule=1500ms", "saf.channels.audit.retry.attempts=5");
        publish("bad", 1, 3);
        publish("good", 1, 3);
        await().atMost(PATIENCE).until(() -> audit.deliveredIds().containsAll(ids("good", 1, 3)));
        assertThat(audit.deliveredIds()).doesNotContain("bad-2");
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 6);
        assertThat(of("bad", audit.offeredIds())).containsExactly("bad-1", "bad-1", "bad-1", "bad-2", "bad-3");
        awaitAllSettled();
    }

    @Test
    void whatFollowsAParkedEventIsParkedBehindItAndThenFollowsInOrder() {
        AtomicInteger failures = new AtomicInteger();
        RecordingChannel audit = new RecordingChannel(event -> {
            if (event.id().equals("bad-1") && failures.incrementAndGet() == 1) {
                throw new IllegalStateException("not yet");
            }
        });
        Consumer consumer = consumer(
                audit, PARKS_AT_ONCE, "saf.channels.audit.retry.schedule=3s", "saf.channels.audit.concurrency=4");
        publish("bad", 1, 60);
        publish("good", 1, 3);
        await().atMost(PATIENCE).until(() -> audit.deliveredIds().containsAll(ids("good", 1, 3)));
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        assertThat(audit.deliveredIds()).doesNotContain("bad-1", "bad-2");
        JsonNode retries =
                json(consumer, "/api/retries?channel=audit&limit=100").path("items");
        assertThat(retries.size()).isEqualTo(60);
        assertThat(retries.valueStream().filter(each -> !each.path("behind").isNull()))
                .hasSize(59)
                .allMatch(each -> each.path("behind").asLong()
                        == each.path("event_sequence").asLong() - 1);
        assertThat(json(consumer, "/api/events/bad-2?service=shop&sequence=2")
                        .findValue("behind")
                        .asLong())
                .isEqualTo(1);
        // One that comes later follows, too.
        publish("bad", 61, 61);
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 64);
        assertThat(of("bad", audit.deliveredIds())).isEqualTo(ids("bad", 1, 61));
        assertThat(of("bad", audit.offeredIds())).hasSize(62);
        assertThat(consumer.metric("saf.channel.parked.behind", "audit")).isBetween(60.0, 61.0);
        awaitAllSettled();
        assertThat(nats.deadLetters()).isEmpty();
    }

    private static JsonNode json(Consumer consumer, String path) {
        return JsonMapper.shared().readTree(consumer.api("GET", path, null).body());
    }

    @Test
    void aDeadLetterReleasesThoseBehindItAndItsRedriveComesOutOfOrder() {
        AtomicBoolean rejecting = new AtomicBoolean(true);
        AtomicInteger failures = new AtomicInteger();
        RecordingChannel audit = new RecordingChannel(event -> {
            if (event.id().equals("bad-1") && failures.incrementAndGet() == 1) {
                throw new IllegalStateException("not yet");
            }
            if (event.id().equals("bad-1") && rejecting.get()) {
                throw new RejectedEventException("never");
            }
            if (event.id().equals("bad-4")) {
                throw new IllegalStateException("for a long time");
            }
        });
        Consumer consumer = consumer(audit, PARKS_AT_ONCE, "saf.channels.audit.retry.schedule=1s,1h");
        publish("bad", 1, 3);
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 2);
        assertThat(audit.deliveredIds()).containsExactly("bad-2", "bad-3");
        assertThat(nats.deadLetters()).hasSize(1);
        publish("bad", 4, 5);
        await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.parked.behind", "audit") >= 3);
        rejecting.set(false);
        long letter = json(consumer, "/api/dead-letters")
                .path("items")
                .path(0)
                .path("sequence")
                .asLong();
        assertThat(consumer.api("POST", "/api/dead-letters/" + letter + "/redrive", null)
                        .statusCode())
                .isLessThan(300);
        await().atMost(PATIENCE).until(() -> audit.deliveredIds().contains("bad-1"));
        assertThat(requireNonNull(audit.delivered.stream()
                                .filter(each -> each.id().equals("bad-1"))
                                .findFirst()
                                .orElseThrow()
                                .attributes())
                        .get("safredrive"))
                .isEqualTo("1");
        assertThat(audit.deliveredIds()).doesNotContain("bad-5");
    }

    @Test
    void aParkedEventThatIsCancelledOrSentByHandReleasesThoseBehindIt() {
        AtomicBoolean failing = new AtomicBoolean(true);
        RecordingChannel audit = new RecordingChannel(event -> {
            if (failing.get()) {
                throw new IllegalStateException("not yet");
            }
        });
        Consumer consumer = consumer(audit, PARKS_AT_ONCE, "saf.channels.audit.retry.schedule=1h");
        publish("a", 1, 3);
        publish("b", 1, 3);
        await().atMost(PATIENCE)
                .until(() -> json(consumer, "/api/retries?channel=audit")
                                .path("items")
                                .size()
                        == 6);
        failing.set(false);
        // The second one would be early, and is parked again.
        String early = retry(consumer, "a-2");
        assertThat(consumer.api("POST", "/api/retries/" + early + "/now", null).statusCode())
                .isLessThan(300);
        await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.parked.behind", "audit") == 5);
        assertThat(audit.delivered).isEmpty();
        assertThat(consumer.api("POST", "/api/retries/" + retry(consumer, "a-1") + "/now", null)
                        .statusCode())
                .isLessThan(300);
        assertThat(consumer.api("DELETE", "/api/retries/" + retry(consumer, "b-1"), null)
                        .statusCode())
                .isLessThan(300);
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 5);
        assertThat(of("a", audit.deliveredIds())).containsExactly("a-1", "a-2", "a-3");
        assertThat(of("b", audit.deliveredIds())).containsExactly("b-2", "b-3");
        awaitAllSettled();
    }

    private static String retry(Consumer consumer, String eventId) {
        return json(consumer, "/api/retries?channel=audit")
                .path("items")
                .valueStream()
                .filter(each -> each.path("event_id").asString().equals(eventId))
                .findFirst()
                .orElseThrow()
                .path("id")
                .asString();
    }

    @Test
    void whatIsGoneHoldsUpNobody() throws Exception {
        AtomicBoolean failing = new AtomicBoolean(true);
        RecordingChannel audit = new RecordingChannel(event -> {
            if (failing.get() && event.id().endsWith("-1")) {
                throw new IllegalStateException("not yet");
            }
        });
        Consumer consumer =
                consumer(audit, "saf.channels.audit.retry.schedule=1s,3s", "saf.channels.audit.retry.park-after=2s");
        publish("parked", 1, 3);
        await().atMost(PATIENCE).until(() -> consumer.metric("saf.channel.parked", "audit") == 1);
        publish("away", 1, 3);
        await().atMost(PATIENCE).until(() -> audit.offeredIds().contains("away-1"));
        MessageInfo away = nats.connection().jetStreamManagement().getLastMessage("events", "events.away");
        var _ = nats.connection().jetStreamManagement().deleteMessage("events", away.getSeq() - 2);
        var _ = nats.connection()
                .jetStreamManagement()
                .purgeStream("later", PurgeOptions.subject("later.at.audit.1.*.*"));
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 4);
        assertThat(audit.deliveredIds()).containsExactlyInAnyOrder("parked-2", "parked-3", "away-2", "away-3");
    }

    @Test
    void manyThatWaitBehindAnEventDoNotStopTheOthers() {
        AtomicBoolean failing = new AtomicBoolean(true);
        RecordingChannel audit = new RecordingChannel(event -> {
            if (failing.get() && event.subject().equals("bad")) {
                throw new IllegalStateException("not yet");
            }
        });
        Consumer consumer = consumer(
                audit,
                "saf.channels.audit.max-ack-pending=20",
                "saf.channels.audit.concurrency=4",
                "saf.channels.audit.retry.schedule=6s");
        publish("bad", 1, 40);
        publish("good", 1, 5);
        await().atMost(PATIENCE).until(() -> of("good", audit.deliveredIds()).size() == 5);
        assertThat(consumer.metric("saf.channel.parked", "audit")).isZero();
        failing.set(false);
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 45);
        assertThat(of("bad", audit.deliveredIds())).isEqualTo(ids("bad", 1, 40));
    }

    @Test
    void nothingStartsWhileSomebodyElseMayHaveAnEventBeforeIt() throws Exception {
        RecordingChannel audit = new RecordingChannel();
        Consumer consumer = consumer(audit);
        publish("a", 1, 1);
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
        awaitAllSettled();
        JetStreamSubscription other =
                nats.connection().jetStream().subscribe(null, PullSubscribeOptions.bind("events", "saf-audit"));
        other.pullExpiresIn(1, Duration.ofSeconds(30));
        Message taken = null;
        int next = 2;
        while (taken == null) {
            publish("a", next, next);
            next++;
            taken = other.nextMessage(Duration.ofMillis(300));
        }
        String id = requireNonNull(taken.getHeaders().getFirst("ce-id"));
        publish("a", next, next + 2);
        int last = next + 2;
        // It may be the very last one before it that started.
        await().pollDelay(Duration.ofMillis(700)).until(() -> true);
        assertThat(audit.deliveredIds()).doesNotContain(id, "a-" + next, "a-" + last);
        assertThat(json(consumer, "/api/channels/audit").path("problem").asString())
                .contains("waits until 1 events");
        // Nobody acknowledges it, so after the ack wait it comes here.
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == last);
        assertThat(audit.offeredIds()).isEqualTo(ids("a", 1, last));
        other.unsubscribe();
    }

    @Test
    void oneProcessDeliversAndAnotherTakesOverWhenItStops() {
        RecordingChannel audit = new RecordingChannel(event -> TimeUnit.MILLISECONDS.sleep(2));
        Consumer one = consumer(audit);
        await().atMost(PATIENCE).until(() -> holds(one));
        Consumer other = consumer(audit);
        publish("a", 1, 100);
        await().atMost(PATIENCE).until(() -> audit.delivered.size() > 20);
        assertThat(holds(other)).isFalse();
        assertThat(json(other, "/api/channels/audit").findValue("keeps_order").asBoolean())
                .isFalse();
        assertThat(json(one, "/api/channels/audit").findValue("keeps_order").asBoolean())
                .isTrue();
        one.close();
        await().atMost(Duration.ofSeconds(5)).until(() -> audit.delivered.size() == 100);
        assertThat(audit.offeredIds()).isEqualTo(ids("a", 1, 100));
        await().atMost(Duration.ofSeconds(5)).until(() -> holds(other));
    }

    @Test
    void parkedEventsKeepTheirOrderOverARestartOfEverything() throws Exception {
        AtomicBoolean failing = new AtomicBoolean(true);
        RecordingChannel audit = new RecordingChannel(event -> {
            if (failing.get()) {
                throw new IllegalStateException("not yet");
            }
        });
        String[] settings = {PARKS_AT_ONCE, "saf.channels.audit.retry.schedule=6s"};
        Consumer before = consumer(audit, settings);
        publish("a", 1, 5);
        await().atMost(PATIENCE).until(() -> before.metric("saf.channel.parked.behind", "audit") == 4);
        await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        before.close();
        server.kill();
        server.restart();
        failing.set(false);
        Consumer _ = consumer(audit, settings);
        publish("a", 6, 7);
        await().atMost(PATIENCE).until(() -> audit.delivered.size() == 7);
        assertThat(audit.deliveredIds()).isEqualTo(ids("a", 1, 7));
    }

    /** Two processes, a thousand keys, failures of every kind; one process is killed, and a third one is terminated. */
    @Test
    void noKeyIsEverOutOfOrderThoughEventsFailAndProcessesAreKilled() throws Exception {
        int keys = 1_000;
        int each = 6;
        Path journal = Files.createFile(folder.resolve("journal"));
        String[] settings = {
            "saf.channels.audit.ordering=key",
            "saf.channels.audit.ack-wait=3s",
            "saf.channels.audit.retry.schedule=100ms,200ms,1500ms",
            "saf.channels.audit.retry.park-after=1s"
        };
        Map<String, Replica> replicas = new HashMap<>();
        for (String name : List.of("a", "b")) {
            replicas.put(name, moody(name, journal, settings));
        }
        Thread load = Thread.ofPlatform().start(() -> {
            for (int i = 0; i < each; i++) {
                for (int key = 0; key < keys; key++) {
                    publish("k" + key, i, i);
                }
            }
        });
        await().atMost(PATIENCE).until(() -> lines(journal).size() > 1_500);
        String holder = lines(journal).getLast().substring(0, 1);
        requireNonNull(replicas.get(holder)).kill();
        int killedAt = lines(journal).size();
        long killed = System.nanoTime();
        await().atMost(PATIENCE).until(() -> lines(journal).size() > killedAt + 1);
        log.info("the next process went on {} ms after the kill", (System.nanoTime() - killed) / 1_000_000);
        replicas.put("c", moody("c", journal, settings));
        load.join();
        String next = lines(journal).getLast().substring(0, 1);
        assertThat(next).isNotEqualTo(holder);
        int before = lines(journal).size();
        await().atMost(PATIENCE).until(() -> lines(journal).size() > Math.min(before + 500, keys * each));
        requireNonNull(replicas.get(next)).terminate();
        await().atMost(Duration.ofSeconds(90)).until(() -> ended(journal).size() == keys * each);
        awaitAllSettled();
        assertThat(lines(journal).stream().map(line -> line.substring(0, 1)).distinct())
                .as("those who delivered")
                .hasSizeGreaterThan(1);

        Map<String, Integer> last = new HashMap<>();
        for (String line : lines(journal)) {
            String[] parts = line.split("[ -]", -1);
            int number = Integer.parseInt(parts[3]);
            assertThat(last.merge(parts[2], number, Math::max)).as(line).isEqualTo(number);
        }
        List<Message> letters = nats.deadLetters();
        assertThat(letters.stream()
                        .map(letter -> requireNonNull(letter.getHeaders().getFirst("Saf-Reason")))
                        .distinct())
                .containsExactlyInAnyOrder("rejected", "gave-up");
        assertThat(letters).allMatch(letter -> letter.getHeaders().containsKey(Passage.ATTEMPTS));
    }

    private Replica moody(String name, Path journal, String... settings) throws IOException {
        Replica replica = Replica.startMoody(server, folder, name, journal, settings);
        opened.add(replica);
        return replica;
    }

    /** The ids of events that were delivered, or are dead letters. */
    private Set<String> ended(Path journal) throws IOException {
        Set<String> ids = new HashSet<>();
        for (String line : lines(journal)) {
            String[] parts = line.split(" ", -1);
            if (parts[1].equals("delivered")) {
                ids.add(parts[2]);
            }
        }
        nats.deadLetters()
                .forEach(letter -> ids.add(requireNonNull(letter.getHeaders().getFirst("ce-id"))));
        return ids;
    }

    private static List<String> lines(Path journal) throws IOException {
        return Files.readAllLines(journal);
    }
}
