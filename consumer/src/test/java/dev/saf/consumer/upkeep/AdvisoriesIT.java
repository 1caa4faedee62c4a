package dev.saf.consumer.upkeep;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.natsserver.NatsServer;
import io.micrometer.core.instrument.MeterRegistry;
import io.nats.client.JetStreamManagement;
import io.nats.client.JetStreamSubscription;
import io.nats.client.Message;
import io.nats.client.PullSubscribeOptions;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.impl.Headers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What the server gives up because somebody else made it. */
class AdvisoriesIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String[] SETTINGS = {
        "saf.channels.audit.type=scripted", "saf.channels.audit.retry.initial=200ms", "saf.upkeep.interval=100ms"
    };

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Nats nats = opened.add(new Nats(server).withStreams());

    @BeforeEach
    void forget() {
        script("audit", new RecordingChannel());
    }

    private static double advisories(Consumer consumer, String kind) {
        return consumer.bean(MeterRegistry.class)
                .counter("saf.advisories", "kind", kind)
                .count();
    }

    /** Takes a message from a durable, and answers it by hand. */
    private void settle(String stream, String durable, String how) throws Exception {
        JetStreamSubscription pull =
                nats.connection().jetStream().subscribe(null, PullSubscribeOptions.bind(stream, durable));
        Message message = pull.fetch(1, Duration.ofSeconds(5)).getFirst();
        nats.connection().request(message.getReplyTo(), how.getBytes(StandardCharsets.US_ASCII), Duration.ofSeconds(2));
        pull.unsubscribe();
    }

    @Test
    void anEventWhoseDeliveriesSomebodyHasLimitedBecomesADeadLetter() throws Exception {
        script("audit", event -> {
            throw new IllegalStateException("not yet");
        });
        try (Consumer consumer = Consumer.start(server, SETTINGS)) {
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            JetStreamManagement management = nats.connection().jetStreamManagement();
            management.addOrUpdateConsumer(
                    "events",
                    ConsumerConfiguration.builder(nats.consumer("audit").getConsumerConfiguration())
                            .maxDeliver(1)
                            .build());
            nats.publish("1");
            await().atMost(PATIENCE).until(() -> nats.deadLetters().size() == 1);
            await().atMost(PATIENCE).until(() -> advisories(consumer, "max-deliveries") == 1);
            assertThat(consumer.metric("saf.channel.dead.lettered", "audit", "reason", "max-deliveries"))
                    .isEqualTo(1);
        }
        Message letter = nats.deadLetters().getFirst();
        assertThat(letter.getSubject()).isEqualTo("dead-letters.audit.1.orders.placed");
        assertThat(letter.getHeaders().getFirst("Saf-Reason")).isEqualTo("max-deliveries");
        assertThat(letter.getHeaders().getFirst("Saf-Error")).contains("limited the deliveries of saf-audit");
        assertThat(letter.getHeaders().getFirst("Saf-Attempts")).isEqualTo("1");
        assertThat(letter.getHeaders().getFirst("Saf-Message-Id")).isEqualTo("shop/1");
        assertThat(letter.getData())
                .isEqualTo(Nats.event("orders.placed", "1").payload().bytes());
    }

    @Test
    void anEventWhoseDeliverySomebodyHasTerminatedBecomesADeadLetter() throws Exception {
        nats.publish("1");
        JetStreamManagement management = nats.connection().jetStreamManagement();
        management.createConsumer(
                "events", ConsumerConfiguration.builder().durable("saf-former").build());
        try (Consumer consumer = Consumer.start(server, SETTINGS)) {
            await().atMost(PATIENCE).until(() -> management.getStreamNames().contains("advisories"));
            settle("events", "saf-former", "+TERM broken beyond repair");
            await().atMost(PATIENCE).until(() -> nats.deadLetters().size() == 1);
            await().atMost(PATIENCE).until(() -> advisories(consumer, "terminated") == 1);
        }
        Message letter = nats.deadLetters().getFirst();
        assertThat(letter.getSubject()).isEqualTo("dead-letters.former.1.orders.placed");
        assertThat(letter.getHeaders().getFirst("Saf-Reason")).isEqualTo("terminated");
        assertThat(letter.getHeaders().getFirst("Saf-Error")).endsWith("saf-former: broken beyond repair");
    }

    @Test
    void aRetryThatIsTerminatedKeepsItsHistory() throws Exception {
        try (Consumer _ = Consumer.start(server, SETTINGS)) {
            JetStreamManagement management = nats.connection().jetStreamManagement();
            await().atMost(PATIENCE)
                    .until(() -> management.getStreamNames().containsAll(List.of("advisories", "later")));
            management.createConsumer(
                    "later",
                    ConsumerConfiguration.builder()
                            .durable("saf-former-due")
                            .filterSubjects("later.due.former.>")
                            .build());
            Headers headers = new Headers()
                    .put("Saf-Channel", "former")
                    .put("Saf-Subject", "events.orders.placed")
                    .put("Saf-Sequence", "17")
                    .put("Saf-Stored", "1000")
                    .put("Saf-Attempts", "4")
                    .put("Saf-Attempt", "4 2026-01-02T03:04:05Z 7ms IOException: gone");
            nats.publishRaw("later.due.former.17.rs.4-1", headers, new byte[] {1});
            settle("later", "saf-former-due", "+TERM");
            await().atMost(PATIENCE).until(() -> nats.deadLetters().size() == 1);
        }
        assertThat(nats.deadLetters()).hasSize(1);
        Message letter = nats.deadLetters().getFirst();
        assertThat(letter.getSubject()).isEqualTo("dead-letters.former.17.orders.placed");
        assertThat(letter.getData()).containsExactly(1);
        assertThat(letter.getHeaders().getFirst("Saf-Attempts")).isEqualTo("5");
        assertThat(letter.getHeaders().getFirst("Saf-Attempt")).startsWith("4 ");
    }

    @Test
    void aRetryThatWasCancelledOrSentBeforeIsNoDeadLetterWhenItIsTerminated() throws Exception {
        try (Consumer consumer = Consumer.start(server, SETTINGS)) {
            JetStreamManagement management = nats.connection().jetStreamManagement();
            await().atMost(PATIENCE)
                    .until(() -> management.getStreamNames().containsAll(List.of("advisories", "later")));
            management.createConsumer(
                    "later",
                    ConsumerConfiguration.builder()
                            .durable("saf-former-due")
                            .filterSubjects("later.due.former.>")
                            .build());
            Headers headers = new Headers()
                    .put("Saf-Channel", "former")
                    .put("Saf-Subject", "events.orders.placed")
                    .put("Saf-Sequence", "17");
            nats.publishRaw("later.due.former.17.rs.4-1", headers, new byte[] {1});
            settle("later", "saf-former-due", "+ACK");
            nats.publishRaw("later.due.former.17.rs.4-1", headers, new byte[] {2});
            settle("later", "saf-former-due", "+TERM");
            Headers cancelled = new Headers(headers).put("Saf-Cancelled", "2026-01-02T03:04:05Z");
            nats.publishRaw("later.due.former.18.rs.1-1", cancelled, new byte[0]);
            settle("later", "saf-former-due", "+TERM");
            await().atMost(PATIENCE).until(() -> advisories(consumer, "terminated") == 2);
        }
        assertThat(nats.deadLetters()).isEmpty();
    }

    @Test
    void whatIsGivenUpForOthersIsCountedOnly() throws Exception {
        nats.publish("1");
        JetStreamManagement management = nats.connection().jetStreamManagement();
        management.createConsumer(
                "events", ConsumerConfiguration.builder().durable("reports").build());
        try (Consumer consumer = Consumer.start(server, SETTINGS)) {
            await().atMost(PATIENCE).until(() -> management.getStreamNames().contains("advisories"));
            settle("events", "reports", "+TERM");
            await().atMost(PATIENCE).until(() -> advisories(consumer, "terminated") == 1);
        }
        assertThat(nats.deadLetters()).isEmpty();
    }
}
