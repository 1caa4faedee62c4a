package dev.saf.consumer.upkeep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.ledger.DeadLetters;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.nats.client.Message;
import io.nats.client.PurgeOptions;
import io.nats.client.api.AckPolicy;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.StreamConfiguration;
import io.nats.client.api.StreamInfo;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Purging delivered events when the stream gets full. */
class TrimmingIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final House house = House.open();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final Trimming trimming = trimming(List.of("saf-audit"));

    private Trimming trimming(List<String> durables) {
        return new Trimming(
                house.access(),
                durables,
                new Advisories(house.access(), List.of("audit"), new DeadLetters(house.nats()), registry),
                new UpkeepSettings(Duration.ofSeconds(1), 0.8),
                Counter.builder("saf.stream.trimmed").register(registry));
    }

    @AfterEach
    void close() {
        house.close();
    }

    /** Makes the events that are there old enough to be purged. */
    private void age() {
        await().atMost(PATIENCE).until(() -> {
            StreamInfo stream = house.access().stream("events");
            ZonedDateTime last = Objects.requireNonNull(stream.getStreamState().getLastTime());
            ZonedDateTime now = Objects.requireNonNull(stream.getTimestamp());
            return last.plus(House.WINDOW.multipliedBy(2)).isBefore(now);
        });
    }

    private long first() throws Exception {
        return house.state("events").getFirstSequence();
    }

    private double usage() throws Exception {
        return (double) house.state("events").getByteCount() / House.MAX_BYTES;
    }

    @Test
    void deliveredEventsArePurgedOldestFirstAndNoMoreThanNeeded() throws Exception {
        house.durable("events", "saf-audit");
        house.publish("events.a", 180);
        house.settle("events", "saf-audit", 180);
        age();
        assertThat(usage()).isGreaterThan(0.8);
        trimming.run();
        assertThat(usage()).isBetween(0.6, 0.7);
        assertThat(registry.get("saf.stream.trimmed").counter().count()).isEqualTo((double) (first() - 1));
        long before = first();
        trimming.run();
        assertThat(first()).isEqualTo(before);
    }

    @Test
    void largeAndSmallEventsAreTrimmedAlike() throws Exception {
        house.durable("events", "saf-audit");
        for (int i = 0; i < 100; i++) {
            house.connection().jetStream().publish("events.a", new byte[10]);
        }
        house.publish("events.a", 100);
        for (int i = 0; i < 7; i++) {
            house.connection().jetStream().publish("events.a", new byte[10_000]);
        }
        house.settle("events", "saf-audit", 207);
        age();
        assertThat(usage()).isGreaterThan(0.8);
        trimming.run();
        assertThat(usage()).isBetween(0.4, 0.7);
    }

    @Test
    void aStreamWithALimitOfMessagesIsTrimmedAsWell() throws Exception {
        StreamConfiguration limited = StreamConfiguration.builder(
                        house.management().getStreamInfo("events").getConfiguration())
                .maxMessages(100)
                .build();
        house.management().updateStream(limited);
        house.durable("events", "saf-audit");
        house.publish("events.a", 90);
        house.settle("events", "saf-audit", 90);
        age();
        trimming.run();
        assertThat(house.state("events").getMsgCount()).isEqualTo(70);
    }

    @Test
    void whatADurableHasNotSettledStaysThoughNoChannelIsConfiguredForIt() throws Exception {
        house.durable("events", "saf-audit");
        house.durable("events", "saf-former");
        house.publish("events.a", 200);
        house.settle("events", "saf-audit", 200);
        house.settle("events", "saf-former", 20);
        age();
        trimming.run();
        assertThat(first()).isEqualTo(21);
        // Handed out is not settled.
        List<Message> taken = house.take("events", "saf-former", 10);
        trimming.run();
        assertThat(first()).isEqualTo(21);
        taken.get(0).ackSync(Duration.ofSeconds(2));
        taken.get(2).ackSync(Duration.ofSeconds(2));
        trimming.run();
        assertThat(first()).isEqualTo(22);
        house.management().deleteConsumer("events", "saf-former");
        trimming.run();
        assertThat(usage()).isLessThan(0.7);
    }

    @Test
    void aDurableThatGetsOtherSubjectsHoldsNothingBack() throws Exception {
        house.durable("events", "saf-audit");
        house.durable("events", "saf-rare", "events.rare.>", "events.never");
        house.publish("events.a", 25);
        house.publish("events.rare.b", 1);
        house.publish("events.a", 174);
        house.settle("events", "saf-audit", 200);
        age();
        trimming.run();
        // The one that it has not had stays, and what comes after it.
        assertThat(first()).isEqualTo(26);
        house.settle("events", "saf-rare", 1);
        trimming.run();
        assertThat(usage()).isLessThan(0.7);
    }

    @Test
    void whatIsYoungerThanTwoDuplicateWindowsStays() throws Exception {
        house.management()
                .updateStream(StreamConfiguration.builder(
                                house.management().getStreamInfo("events").getConfiguration())
                        .duplicateWindow(Duration.ofSeconds(2))
                        .build());
        house.durable("events", "saf-audit");
        house.publish("events.a", 180);
        house.settle("events", "saf-audit", 180);
        trimming.run();
        assertThat(first()).isEqualTo(1);
        ZonedDateTime firstTime = house.state("events").getFirstTime();
        await().atMost(PATIENCE).until(() -> {
            trimming.run();
            return first() > 1;
        });
        ZonedDateTime now =
                Objects.requireNonNull(house.access().stream("events").getTimestamp());
        assertThat(Duration.between(firstTime, now)).isGreaterThan(Duration.ofSeconds(4));
    }

    @Test
    void nothingIsPurgedWithoutTheDurableOfAChannelOrWithoutAny() throws Exception {
        house.publish("events.a", 180);
        age();
        trimming.run();
        trimming(List.of()).run();
        house.durable("events", "saf-other");
        house.settle("events", "saf-other", 180);
        trimming.run();
        assertThat(first()).isEqualTo(1);
        trimming(List.of()).run();
        assertThat(first()).isGreaterThan(1);
    }

    @Test
    void somebodyWhoComesAndGoesHoldsBackOnlyWhatHeIsToAcknowledge() throws Exception {
        house.durable("events", "saf-audit");
        house.publish("events.a", 180);
        house.settle("events", "saf-audit", 180);
        house.management()
                .createConsumer(
                        "events",
                        ConsumerConfiguration.builder()
                                .name("replay")
                                .ackPolicy(AckPolicy.Explicit)
                                .inactiveThreshold(Duration.ofMinutes(5))
                                .build());
        house.management()
                .createConsumer(
                        "events",
                        ConsumerConfiguration.builder()
                                .name("reader")
                                .ackPolicy(AckPolicy.None)
                                .inactiveThreshold(Duration.ofMinutes(5))
                                .build());
        age();
        trimming.run();
        assertThat(first()).isEqualTo(1);
        house.management().deleteConsumer("events", "replay");
        trimming.run();
        assertThat(usage()).isLessThan(0.7);
    }

    @Test
    void whatTheServerHasGivenUpIsADeadLetterBeforeItIsPurged() throws Exception {
        house.management()
                .addStream(StreamConfiguration.builder()
                        .name("advisories")
                        .subjects("$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>")
                        .build());
        house.durable("events", "saf-audit");
        house.publish("events.a", 180);
        house.settle("events", "saf-audit", 179);
        Message last = house.take("events", "saf-audit", 1).getFirst();
        house.connection()
                .request(last.getReplyTo(), "+TERM by hand".getBytes(StandardCharsets.US_ASCII), Duration.ofSeconds(2));
        await().atMost(PATIENCE).until(() -> house.state("advisories").getMsgCount() == 1);
        age();
        trimming.run();
        assertThat(first()).isGreaterThan(1);
        assertThat(house.state("dead-letters").getMsgCount()).isEqualTo(1);
    }

    @Test
    void nothingIsPurgedWhileWhatTheServerHasGivenUpCannotBeKept() throws Exception {
        house.management()
                .addStream(StreamConfiguration.builder()
                        .name("advisories")
                        .subjects("$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>")
                        .build());
        house.management().deleteStream("dead-letters");
        house.durable("events", "saf-audit");
        house.publish("events.a", 180);
        house.settle("events", "saf-audit", 179);
        Message last = house.take("events", "saf-audit", 1).getFirst();
        house.connection()
                .request(last.getReplyTo(), "+TERM by hand".getBytes(StandardCharsets.US_ASCII), Duration.ofSeconds(2));
        await().atMost(PATIENCE).until(() -> house.state("advisories").getMsgCount() == 1);
        age();
        for (int i = 0; i < 2; i++) {
            try {
                trimming.run();
            } catch (IOException e) {
                assertThat(e).hasMessageContaining("");
            }
            assertThat(first()).isEqualTo(1);
        }
    }

    @Test
    void aStreamThatIsEmptyOrHasRoomIsLeftAlone() throws Exception {
        house.durable("events", "saf-audit");
        trimming.run();
        house.publish("events.a", 150);
        house.settle("events", "saf-audit", 150);
        age();
        trimming.run();
        assertThat(house.state("events").getMsgCount()).isEqualTo(150);
        house.management().purgeStream("events", PurgeOptions.builder().build());
        trimming.run();
    }
}
