package dev.saf.consumer.ledger;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.Opened;
import dev.saf.jetstream.Streams;
import dev.saf.natsserver.NatsServer;
import io.nats.client.api.MessageInfo;
import io.nats.client.impl.Headers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

@Timeout(180)
class ParkedEventsIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final byte[] BODY = "{\"order\":1}".getBytes(StandardCharsets.UTF_8);

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Connected connected = opened.add(connect());
    private final Parking parking = new Parking(connected.nats(), 1000);
    private final ParkedEvents events = new ParkedEvents(connected.nats());
    private final StoredMessages stored = new StoredMessages(connected.nats());

    private Connected connect() {
        try {
            return Connected.to(List.of(server.url()));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Passage passage(String channel, long sequence) {
        return new Passage(channel, "events.orders.placed", sequence, 1_000, "shop/1", 2, 0, 0, null, null, List.of());
    }

    private static Headers headers() {
        return new Headers().put("ce-id", "1").put("Nats-Msg-Id", "shop/1").put("ce-many", "a", "b");
    }

    private String park(String channel, long sequence, Duration in) throws Exception {
        return parking.park(
                passage(channel, sequence), headers(), BODY, Instant.now().plus(in));
    }

    private String at(String channel, long sequence) {
        return "later.at.%s.%d.rs.2-1".formatted(channel, sequence);
    }

    @Test
    void findsWhatIsParkedWithAllItCarries() throws Exception {
        Instant due = Instant.now().plusSeconds(3600);
        String target = parking.park(
                passage("audit", 7), headers(), BODY, due, Map.of(Parking.KEY, "k%201", Parking.BEHIND, "5"));
        ParkedEvents.Waiting found = requireNonNull(events.find(at("audit", 7)));
        assertThat(found.target()).isEqualTo(target).isEqualTo("later.due.audit.7.rs.2-1");
        assertThat(found.passage()).isEqualTo(passage("audit", 7).parkedOnceMore());
        assertThat(requireNonNull(found.due())).isBetween(due.minusMillis(1), due);
        assertThat(found.isBehind()).isTrue();
        assertThat(found.headers().getFirst(Parking.KEY)).isEqualTo("k%201");
        assertThat(events.find(at("audit", 8))).isNull();
    }

    @Test
    void sendsNowOnceAndAsItWas() throws Exception {
        String target = park("audit", 7, Duration.ofHours(1));
        ParkedEvents.Waiting found = requireNonNull(events.find(at("audit", 7)));
        assertThat(events.sendNow(found)).isTrue();
        assertThat(events.sendNow(found)).isFalse();
        assertThat(events.sendNow("audit", 7, "rs", 2, 1)).isFalse();
        assertThat(events.cancel(found, Instant.now())).isFalse();
        await().atMost(PATIENCE).until(() -> events.find(at("audit", 7)) == null);
        MessageInfo due = requireNonNull(stored.next(Streams.LATER, 1, target));
        assertThat(due.getData()).isEqualTo(BODY);
        assertThat(requireNonNull(due.getHeaders()).get("ce-many")).containsExactly("a", "b");
        assertThat(due.getHeaders().getFirst(Passage.ATTEMPTS)).isEqualTo("2");
        assertThat(due.getHeaders().containsKey(Parking.CANCELLED)).isFalse();
        assertThat(stored.next(Streams.LATER, due.getSeq() + 1, target)).isNull();
    }

    @Test
    void cancelsOnce() throws Exception {
        String target = park("audit", 7, Duration.ofHours(1));
        ParkedEvents.Waiting found = requireNonNull(events.find(at("audit", 7)));
        assertThat(events.cancel(found, Instant.now())).isTrue();
        assertThat(events.cancel(found, Instant.now())).isFalse();
        assertThat(events.sendNow(found)).isFalse();
        await().atMost(PATIENCE).until(() -> events.find(at("audit", 7)) == null);
        MessageInfo due = requireNonNull(stored.next(Streams.LATER, 1, target));
        assertThat(requireNonNull(due.getHeaders()).containsKey(Parking.CANCELLED))
                .isTrue();
        assertThat(due.getData()).isNullOrEmpty();
    }

    @Test
    void sendsTheParkingThatIsMeant() throws Exception {
        park("audit", 7, Duration.ofHours(1));
        String second = parking.park(
                passage("audit", 7).parkedOnceMore().withAttempts(3),
                headers(),
                BODY,
                Instant.now().plusSeconds(3600));
        assertThat(events.sendNow("audit", 7, "rs", 2, 2)).isFalse();
        assertThat(events.sendNow("audit", 7, "rs", 3, 2)).isTrue();
        assertThat(stored.next(Streams.LATER, 1, second)).isNotNull();
        assertThat(events.find(at("audit", 7))).isNotNull();
    }

    @Test
    void losesNothingWhenSentInTheMomentItIsDue() throws Exception {
        int many = 40;
        List<String> targets = new ArrayList<>();
        for (int i = 1; i <= many; i++) {
            targets.add(park("audit", i, Duration.ofMillis(600)));
        }
        List<Callable<Boolean>> tries = new ArrayList<>();
        for (int i = 1; i <= many; i++) {
            int sequence = i;
            tries.add(() -> events.sendNow("audit", sequence, "rs", 2, 1));
        }
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (var result : threads.invokeAll(tries)) {
                result.get();
            }
        }
        await().atMost(PATIENCE).untilAsserted(() -> {
            for (String target : targets) {
                assertThat(stored.next(Streams.LATER, 1, target)).isNotNull();
            }
        });
    }

    @Test
    void readsWhatIsParkedAndWhatIsDueAndWasNotHandedOut() throws Exception {
        park("audit", 1, Duration.ofHours(1));
        String second = park("audit", 2, Duration.ofHours(1));
        park("audit", 3, Duration.ofHours(1));
        park("audit-2", 4, Duration.ofHours(1));
        String fifth = park("audit", 5, Duration.ofHours(1));
        assertThat(events.sendNow("audit", 2, "rs", 2, 1)).isTrue();
        assertThat(events.sendNow("audit", 5, "rs", 2, 1)).isTrue();
        long handedOut = requireNonNull(stored.next(Streams.LATER, 1, second)).getSeq();
        Map<Long, Boolean> read = new TreeMap<>();
        events.read("audit", handedOut, waiting -> read.put(waiting.passage().sequence(), waiting.due() == null));
        assertThat(read).containsExactly(entry(1L, false), entry(3L, false), entry(5L, true));
        assertThat(requireNonNull(stored.next(Streams.LATER, 1, fifth)).getSeq())
                .isGreaterThan(handedOut);
    }
}
