package dev.saf.consumer.delivery;

import static dev.saf.consumer.ScriptedChannelFactory.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.Consumer;
import dev.saf.consumer.Nats;
import dev.saf.consumer.Opened;
import dev.saf.consumer.RecordingChannel;
import dev.saf.natsserver.NatsServer;
import io.nats.client.api.AckPolicy;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.DeliverPolicy;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class DurableIT {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final RecordingChannel audit = new RecordingChannel();
    private final RecordingChannel other = new RecordingChannel();
    private final Nats nats = opened.add(new Nats(server).withStreams());

    @BeforeEach
    void record() {
        script("audit", audit);
        script("other", other);
    }

    @Test
    void createsTheDurableAsConfigured() throws Exception {
        try (Consumer consumer = Consumer.start(
                server,
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.subjects=orders.*,rides.>",
                "saf.channels.audit.concurrency=500",
                "saf.channels.audit.ack-wait=45s")) {
            await().atMost(PATIENCE)
                    .until(() -> consumer.channel("audit").condition().state() == Supply.State.RUNNING);
            ConsumerConfiguration actual = nats.consumer("audit").getConsumerConfiguration();
            assertThat(actual.getDurable()).isEqualTo("saf-audit");
            assertThat(actual.getAckPolicy()).isEqualTo(AckPolicy.Explicit);
            assertThat(actual.getDeliverPolicy()).isEqualTo(DeliverPolicy.All);
            assertThat(actual.getFilterSubjects()).containsExactlyInAnyOrder("events.orders.*", "events.rides.>");
            assertThat(actual.getAckWait()).isEqualTo(Duration.ofSeconds(45));
            assertThat(actual.getMaxAckPending()).isEqualTo(2000);
            assertThat(actual.getMaxDeliver()).isEqualTo(-1);
            assertThat(actual.getBackoff()).isEmpty();
        }
    }

    @Test
    void bringsTheDurableUpToDateWithoutLosingItsPlace() throws Exception {
        nats.publish("1");
        try (Consumer _ = Consumer.start(server, "saf.channels.audit.type=scripted")) {
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
        }
        nats.publish("2");
        try (Consumer _ = Consumer.start(
                server,
                "saf.channels.audit.type=scripted",
                "saf.channels.audit.subjects=orders.>",
                "saf.channels.audit.ack-wait=10s")) {
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 2);
            assertThat(nats.consumer("audit").getConsumerConfiguration().getAckWait())
                    .isEqualTo(Duration.ofSeconds(10));
        }
        assertThat(audit.deliveredIds()).containsExactly("1", "2");
    }

    @Test
    void aChannelWithAWrongDurableStaysStoppedAndSaysTheRemedyWhileTheOthersRun() throws Exception {
        var management = nats.connection().jetStreamManagement();
        management.createConsumer(
                "events",
                ConsumerConfiguration.builder()
                        .durable("saf-audit")
                        .ackPolicy(AckPolicy.None)
                        .build());
        nats.publish("1");
        try (Consumer consumer =
                Consumer.start(server, "saf.channels.audit.type=scripted", "saf.channels.other.type=scripted")) {
            await().atMost(PATIENCE).until(() -> other.delivered.size() == 1);
            await().atMost(PATIENCE)
                    .until(() -> consumer.channel("audit").condition().state() == Supply.State.STOPPED);
            assertThat(audit.offered).isEmpty();
            assertThat(consumer.metric("saf.channel.running", "audit")).isZero();
            assertThat(consumer.metric("saf.channel.running", "other")).isEqualTo(1);
            var readiness = consumer.management("/actuator/health/readiness");
            assertThat(readiness.statusCode()).isEqualTo(503);
            assertThat(readiness.body())
                    .contains("durable consumer saf-audit of stream events has the ack policy none")
                    .contains("nats consumer rm events saf-audit");
            assertThat(consumer.management("/actuator/health/liveness").statusCode())
                    .isEqualTo(200);
            // Somebody follows the advice.
            management.deleteConsumer("events", "saf-audit");
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 1);
        }
    }

    @Test
    void aDurableDeletedWhileInUseIsNotCreatedAgain() throws Exception {
        var management = nats.connection().jetStreamManagement();
        try (Consumer consumer =
                Consumer.start(server, "saf.channels.audit.type=scripted", "saf.channels.other.type=scripted")) {
            nats.publish("1");
            await().atMost(PATIENCE).until(() -> nats.unsettled("audit") == 0);
            management.deleteConsumer("events", "saf-audit");
            await().atMost(PATIENCE)
                    .until(() -> consumer.channel("audit").condition().state() == Supply.State.STOPPED);
            assertThat(consumer.channel("audit").condition().problem()).contains("was deleted while");
            nats.publish("2");
            await().atMost(PATIENCE).until(() -> other.delivered.size() == 2);
            assertThat(management.getConsumerNames("events")).containsExactly("saf-other");
            // An operator decides where delivery goes on.
            management.createConsumer(
                    "events",
                    ConsumerConfiguration.builder()
                            .durable("saf-audit")
                            .ackPolicy(AckPolicy.Explicit)
                            .deliverPolicy(DeliverPolicy.ByStartSequence)
                            .startSequence(2)
                            .build());
            await().atMost(PATIENCE).until(() -> audit.delivered.size() == 2);
            assertThat(consumer.channel("audit").condition().state()).isEqualTo(Supply.State.RUNNING);
        }
        assertThat(audit.offeredIds()).containsExactly("1", "2");
    }
}
