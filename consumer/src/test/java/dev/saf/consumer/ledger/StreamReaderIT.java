package dev.saf.consumer.ledger;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.ledger.StreamReader.Range;
import dev.saf.consumer.ledger.StreamReader.Stop;
import dev.saf.jetstream.Streams;
import dev.saf.natsserver.NatsServer;
import io.nats.client.JetStreamManagement;
import io.nats.client.Message;
import io.nats.client.api.PublishAck;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;

@Timeout(180)
@TestInstance(Lifecycle.PER_CLASS)
class StreamReaderIT {

    private static final int STORED = 20_000;
    private static final List<String> ALL = List.of();

    private final NatsServer server = NatsServer.start();
    private final Connected connected = connect();
    private final StreamReader reader = new StreamReader(connected.nats());
    private final List<Long> sequences = new ArrayList<>();

    private Connected connect() {
        try {
            return Connected.to(List.of(server.url()));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Sequence n is on {@code events.rare} for every hundredth n, and gone for every seventh. */
    @BeforeAll
    void store() throws Exception {
        List<CompletableFuture<PublishAck>> stored = new ArrayList<>();
        for (int n = 1; n <= STORED; n++) {
            stored.add(connected
                    .connection()
                    .jetStream()
                    .publishAsync(
                            n % 100 == 0 ? "events.rare" : "events.common",
                            Integer.toString(n).getBytes(StandardCharsets.US_ASCII)));
            if (n % 1000 == 0) {
                CompletableFuture.allOf(stored.toArray(CompletableFuture[]::new))
                        .get();
            }
        }
        for (int n = 7; n <= STORED; n += 7) {
            management().deleteMessage(Streams.EVENTS, n, false);
        }
    }

    @AfterEach
    void leavesNoTrace() throws Exception {
        sequences.clear();
        if (connected.nats().current() != null) {
            assertThat(management().getConsumerNames(Streams.EVENTS)).isEmpty();
            assertThat(management().getConsumerNames(Streams.DEAD_LETTERS)).isEmpty();
        }
    }

    @AfterAll
    void close() {
        connected.close();
        server.close();
    }

    @Test
    void readsAllThatIsThereOldestFirst() throws Exception {
        Stop stop = reader.read(
                Range.of(Streams.EVENTS, ALL),
                message -> sequences.add(Long.parseLong(new String(message.getData(), StandardCharsets.US_ASCII))));
        assertThat(sequences).isEqualTo(expected(n -> true));
        assertThat(stop).isEqualTo(new Stop(STORED + 1, true));
    }

    @Test
    void readsSomeSubjectsWithoutTheirBodies() throws Exception {
        Stop stop = reader.read(
                Range.of(Streams.EVENTS, List.of("events.rare", "events.other.>"))
                        .onlyHeaders(),
                message ->
                        message.getData().length == 0 && message.getSubject().equals("events.rare") && note(message));
        assertThat(sequences).isEqualTo(expected(n -> n % 100 == 0));
        assertThat(stop).isEqualTo(new Stop(STORED + 1, true));
        assertThat(reader.read(Range.of(Streams.EVENTS, List.of("events.none")), this::note))
                .isEqualTo(new Stop(1, true));
    }

    @Test
    void countsWithoutReading() throws Exception {
        assertThat(reader.count(Streams.EVENTS, ALL, null)).isEqualTo(STORED - STORED / 7);
        assertThat(reader.count(Streams.EVENTS, List.of("events.rare"), null))
                .isEqualTo(expected(n -> n % 100 == 0).size());
        assertThat(reader.count(Streams.EVENTS, List.of("events.rare", "events.common"), null))
                .isEqualTo(STORED - STORED / 7);
        assertThat(reader.count(Streams.EVENTS, ALL, Instant.now().plusSeconds(60)))
                .isZero();
        assertThat(reader.count(Streams.EVENTS, ALL, stored(15_002)))
                .isEqualTo(expected(n -> n >= 15_002).size());
    }

    @Test
    void stopsAtItsBoundAndGoesOnFromThere() throws Exception {
        Range range = Range.of(Streams.EVENTS, List.of("events.common")).atMost(700);
        Stop stop = reader.read(range, this::note);
        assertThat(sequences).hasSize(700);
        assertThat(stop).isEqualTo(new Stop(sequences.getLast() + 1, false));
        while (!stop.complete()) {
            stop = reader.read(range.atMost(7000).fromSequence(stop.next()), this::note);
        }
        assertThat(sequences).isEqualTo(expected(n -> n % 100 != 0));
    }

    @Test
    void stopsWhenSomebodyHasEnough() throws Exception {
        Stop stop = reader.read(
                Range.of(Streams.EVENTS, ALL).fromSequence(500),
                message -> note(message) && message.metaData().streamSequence() < 600);
        assertThat(sequences).isEqualTo(expected(n -> n >= 500 && n <= 600));
        assertThat(stop).isEqualTo(new Stop(601, false));
    }

    @Test
    void beginsAtATime() throws Exception {
        Range since = Range.of(Streams.EVENTS, ALL).fromTime(stored(19_001));
        assertThat(reader.read(since.onlyHeaders(), this::note).complete()).isTrue();
        assertThat(sequences).isEqualTo(expected(n -> n >= 19_001));
        assertThat(reader.read(since.fromTime(Instant.now().plusSeconds(60)), this::note))
                .isEqualTo(new Stop(STORED + 1, true));
    }

    @Test
    void readsNothingThatCameLater() throws Exception {
        // More than come at a time.
        for (int i = 0; i < 100; i++) {
            var _ = connected.connection().jetStream().publish("dead-letters.a", new byte[0]);
        }
        Stop stop = reader.read(Range.of(Streams.DEAD_LETTERS, ALL), message -> {
            try {
                var _ = connected.connection().jetStream().publish("dead-letters.later", new byte[0]);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
            return note(message);
        });
        assertThat(sequences).hasSize(100);
        assertThat(stop).isEqualTo(new Stop(101, true));
        assertThat(reader.read(Range.of(Streams.DEAD_LETTERS, ALL).fromSequence(101), this::note))
                .isEqualTo(new Stop(201, true));
        assertThat(reader.read(Range.of(Streams.DEAD_LETTERS, ALL).fromSequence(201), this::note))
                .isEqualTo(new Stop(201, true));
    }

    @Test
    void saysThatAStreamIsNotThere() {
        assertThatThrownBy(() -> reader.read(Range.of("other", ALL), this::note))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("stream other could not be read: stream not found");
        assertThatThrownBy(() -> reader.count("other", ALL, null)).isInstanceOf(IOException.class);
    }

    @Test
    void endsWhenTheServerGoesAway() {
        long[] begin = new long[1];
        try {
            assertThatThrownBy(() -> reader.read(Range.of(Streams.EVENTS, ALL), message -> {
                        if (message.metaData().streamSequence() == 1000) {
                            server.freeze();
                            begin[0] = System.nanoTime();
                        }
                        return true;
                    }))
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith("stream events could not be read: ");
            assertThat(Duration.ofNanos(System.nanoTime() - begin[0])).isLessThan(Duration.ofSeconds(8));
        } finally {
            server.thaw();
        }
        await().atMost(Duration.ofSeconds(30)).until(() -> connected.nats().current() != null);
        // The consumer that could not be deleted goes by itself.
        await().atMost(Duration.ofSeconds(30))
                .ignoreExceptions()
                .until(() -> management().getConsumerNames(Streams.EVENTS).isEmpty());
    }

    private boolean note(Message message) {
        return sequences.add(message.metaData().streamSequence());
    }

    private static List<Long> expected(IntPredicate which) {
        return IntStream.rangeClosed(1, STORED)
                .filter(n -> n % 7 != 0)
                .filter(which)
                .mapToObj(n -> (long) n)
                .toList();
    }

    private Instant stored(long sequence) throws Exception {
        return requireNonNull(management().getMessage(Streams.EVENTS, sequence).getTime())
                .toInstant();
    }

    private JetStreamManagement management() throws IOException {
        return connected.connection().jetStreamManagement();
    }
}
