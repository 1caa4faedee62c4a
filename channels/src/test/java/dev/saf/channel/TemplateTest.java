package dev.saf.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.saf.event.Event;
import dev.saf.event.Payload;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TemplateTest {

    private static Event event(String payload) {
        return new Event(
                "orders.placed",
                "17",
                "shop",
                "orders.placed",
                Instant.parse("2026-01-02T03:04:05Z"),
                Payload.of(payload.getBytes(StandardCharsets.UTF_8), "application/json"),
                Map.of("partitionkey", "b/7"),
                null);
    }

    private static String fill(String template, String payload) throws RejectedEventException {
        return Template.of("topic", template).fill(event(payload));
    }

    @Test
    void saysWhatTheEventSays() throws Exception {
        assertThat(fill("{{source}}/{{subject}}/{{id}}/{{type}}/{{time}}/{{partitionkey}}", ""))
                .isEqualTo("shop/orders.placed/17/orders.placed/2026-01-02T03:04:05Z/b/7");
    }

    @Test
    void saysPartsOfAPayload() throws Exception {
        String payload = "{\"customer\":{\"email\":\"a<b>@x.org\"},\"total\":0.10,\"big\":12345678901234567890,"
                + "\"items\":[{\"n\":1},{\"n\":2}]}";
        assertThat(fill("{{payload.customer.email}} {{payload.total}} {{payload.big}}", payload))
                .isEqualTo("a<b>@x.org 0.10 12345678901234567890");
        assertThat(fill("{{#payload.items}}[{{n}}]{{/payload.items}}", payload)).isEqualTo("[1][2]");
    }

    @Test
    void saysAWholePayloadAsItWasSent() throws Exception {
        assertThat(fill("{{payload}}", "{ \"a\" : 1.0 }")).isEqualTo("{ \"a\" : 1.0 }");
        assertThat(fill("{{payload}}", "[1,  2]")).isEqualTo("[1,  2]");
        assertThat(fill("{{payload}}", "no json")).isEqualTo("no json");
        assertThat(fill("{{payload}}", "")).isEmpty();
    }

    @Test
    void rejectsAnEventThatDoesNotSayWhatIsNeeded() {
        assertThatThrownBy(() -> fill("{{payload.email}}", "{}"))
                .isInstanceOf(RejectedEventException.class)
                .hasMessageContaining("topic")
                .hasMessageContaining("email");
        assertThatThrownBy(() -> fill("{{payload.email}}", "{\"email\":null}"))
                .isInstanceOf(RejectedEventException.class);
        assertThatThrownBy(() -> fill("{{payload.email}}", "no json")).isInstanceOf(RejectedEventException.class);
        assertThatThrownBy(() -> fill("{{nothing}}", "{}")).isInstanceOf(RejectedEventException.class);
    }

    @Test
    void leavesOutASectionOfWhatIsNotSaid() throws Exception {
        assertThat(fill("a{{#payload.email}} to {{payload.email}}{{/payload.email}}", "{}"))
                .isEqualTo("a");
        assertThat(fill("a{{^nothing}} nothing{{/nothing}}", "{}")).isEqualTo("a nothing");
    }

    @Test
    void refusesWhatIsNoTemplate() {
        assertThatThrownBy(() -> Template.of("topic", "{{#payload}} never ends"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("topic: is no template: ");
    }
}
