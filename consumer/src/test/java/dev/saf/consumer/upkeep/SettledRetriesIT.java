package dev.saf.consumer.upkeep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.nats.client.Message;
import io.nats.client.api.StreamInfoOptions;
import io.nats.client.api.StreamState;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Purging due messages that have been settled. */
class SettledRetriesIT {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final House house = House.open();

    @AfterEach
    void close() {
        house.close();
    }

    private SettledRetries task(Duration lag) {
        return new SettledRetries(house.access(), List.of("audit", "other"), lag);
    }

    private void due(String channel, int count) throws Exception {
        house.durable("later", "saf-" + channel + "-due", "later.due." + channel + ".>");
        for (int i = 0; i < count; i++) {
            house.publish("later.due." + channel + "." + i + ".abc.1-1", 1);
        }
    }

    private List<String> left(String channel) throws Exception {
        StreamState state = house.management()
                .getStreamInfo("later", StreamInfoOptions.filterSubjects("later.*." + channel + ".>"))
                .getStreamState();
        return state.getSubjects().stream()
                .map(subject -> subject.getName().substring("later.".length()))
                .sorted()
                .toList();
    }

    @Test
    void settledRetriesArePurgedAWhileAfterAndNothingElse() throws Exception {
        house.publish("later.at.audit.7.abc", 1);
        due("audit", 4);
        due("other", 2);
        due("unknown", 2);
        house.settle("later", "saf-unknown-due", 2);
        List<Message> taken = house.take("later", "saf-audit-due", 4);
        taken.get(0).ackSync(Duration.ofSeconds(2));
        taken.get(1).ackSync(Duration.ofSeconds(2));
        taken.get(3).ackSync(Duration.ofSeconds(2));
        SettledRetries task = task(Duration.ofMillis(100));
        await().atMost(PATIENCE).until(() -> {
            task.run();
            return left("audit").size() == 3;
        });
        assertThat(left("audit")).containsExactly("at.audit.7.abc", "due.audit.2.abc.1-1", "due.audit.3.abc.1-1");
        assertThat(left("other")).hasSize(2);
        assertThat(left("unknown")).hasSize(2);
        taken.get(2).ackSync(Duration.ofSeconds(2));
        await().atMost(PATIENCE).until(() -> {
            task.run();
            return left("audit").size() == 1;
        });
        assertThat(left("audit")).containsExactly("at.audit.7.abc");
    }

    @Test
    void whatWasSettledAMomentAgoStays() throws Exception {
        Duration lag = Duration.ofSeconds(2);
        SettledRetries task = task(lag);
        due("audit", 1);
        task.run();
        house.settle("later", "saf-audit-due", 1);
        long settled = System.nanoTime();
        await().atMost(PATIENCE).until(() -> {
            task.run();
            return left("audit").isEmpty();
        });
        assertThat(Duration.ofNanos(System.nanoTime() - settled)).isGreaterThanOrEqualTo(lag);
    }

    @Test
    void theRetriesOfAStreamThatWasMadeAnewStayThoughOneBeforeItHadComeFurther() throws Exception {
        Duration lag = Duration.ofMillis(300);
        SettledRetries task = task(lag);
        due("audit", 10);
        house.settle("later", "saf-audit-due", 10);
        task.run();
        house.management().deleteStream("later");
        house.create("later", Duration.ofSeconds(1));
        due("audit", 9);
        house.settle("later", "saf-audit-due", 1);
        long made = System.nanoTime();
        await().atMost(PATIENCE).until(() -> {
            task.run();
            return System.nanoTime() - made > lag.multipliedBy(3).toNanos();
        });
        assertThat(left("audit")).hasSize(8);
    }
}
