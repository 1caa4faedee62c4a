package dev.saf.consumer.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.consumer.Nats;
import dev.saf.jetstream.EventMessages;
import io.nats.client.impl.Headers;
import org.junit.jupiter.api.Test;

class OrderingKeyTest {

    private static final String SUBJECT = "events.orders.placed";

    private final Headers headers =
            EventMessages.headers(Nats.event("orders.placed", "café 1").withAttribute("partitionkey", "käse"));

    @Test
    void isTheSubjectTheIdOrAnAttribute() {
        assertThat(new OrderingKey("subject").of(SUBJECT, headers)).isEqualTo("orders.placed");
        assertThat(new OrderingKey("id").of(SUBJECT, headers)).isEqualTo("café 1");
        assertThat(new OrderingKey("source").of(SUBJECT, headers)).isEqualTo("shop");
        assertThat(new OrderingKey("partitionkey").of(SUBJECT, headers)).isEqualTo("käse");
    }

    @Test
    void isTheSameHoweverItIsEncoded() {
        Headers foreign = new Headers().put("CE-PartitionKey", "k%c3%a4%73e");
        assertThat(new OrderingKey("partitionkey").of(SUBJECT, foreign)).isEqualTo("käse");
    }

    @Test
    void isNoneWhereThereIsNoSuchAttribute() {
        assertThat(new OrderingKey("customer").of(SUBJECT, headers)).isNull();
        assertThat(new OrderingKey("customer").of(SUBJECT, null)).isNull();
        assertThat(new OrderingKey("customer").of(SUBJECT, new Headers().put("ce-customer", "%FF")))
                .isNull();
        assertThat(new OrderingKey("subject").of("later.due.x", headers)).isNull();
    }
}
