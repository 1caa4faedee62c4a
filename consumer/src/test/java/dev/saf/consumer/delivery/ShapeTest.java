package dev.saf.consumer.delivery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.saf.channel.RejectedEventException;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShapeTest {

    private static final String PAYLOAD =
            "{\"total\":12.5,\"customer\":{\"name\":\"Ada\"},\"items\":[1,2],\"none\":null,\"big\":12345678901234567890}";

    private static Event event(String payload) {
        return new Event(
                "orders.placed",
                "17",
                "shop",
                "orders.placed",
                Instant.parse("2026-01-02T03:04:05Z"),
                Payload.of(payload.getBytes(StandardCharsets.UTF_8), "application/json"),
                Map.of("tenant", "b7"),
                null);
    }

    private static @Nullable String shaped(@Nullable String filter, @Nullable String transform, String payload)
            throws RejectedEventException {
        Event shaped = Shape.of(filter, transform).of(event(payload));
        return shaped == null ? null : shaped.payload().utf8();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        payload.total > 12                           | true
        payload.total > 13                           | false
        source = 'shop' and subject = 'orders.placed'| true
        tenant = 'b8'                                | false
        payload.customer.name = 'Ada'                | true
        payload.nothing                              | false
        payload.none                                 | false
        2 in payload.items                           | true
        $contains(id, '1')                           | true
        time < '2026-01-03'                          | true
        """)
    void wantsWhatTheFilterIsTrueFor(String filter, boolean wanted) throws Exception {
        assertThat(shaped(filter, null, PAYLOAD)).isEqualTo(wanted ? PAYLOAD : null);
    }

    @Test
    void givesWhatTheTransformMakes() throws Exception {
        assertThat(shaped(null, "{ 'order': id, 'who': payload.customer.name, 'cents': payload.total * 100 }", PAYLOAD))
                .isEqualTo("{\"order\":\"17\",\"who\":\"Ada\",\"cents\":1250}");
        assertThat(shaped(null, "payload.big", PAYLOAD)).isEqualTo("12345678901234567890");
        assertThat(shaped(null, "[payload.items.{ 'n': $ }]", PAYLOAD)).isEqualTo("[{\"n\":1},{\"n\":2}]");
    }

    @Test
    void takesWhatIsNoJsonForText() throws Exception {
        assertThat(shaped("payload = 'a text'", "{ 'text': payload }", "a text"))
                .isEqualTo("{\"text\":\"a text\"}");
        assertThat(shaped("$exists(payload)", null, "")).isNull();
    }

    @Test
    void leavesAnEventAsItIsWithoutExpressions() throws Exception {
        Event event = event("{ \"a\" : 1.0 }");
        assertThat(Shape.of(null, null).of(event)).isSameAs(event);
        assertThat(Shape.of("true", null).of(event)).isSameAs(event);
    }

    @Test
    void rejectsAnEventForWhichAnExpressionFails() {
        assertThatThrownBy(() -> shaped("payload.customer > 3", null, PAYLOAD))
                .isInstanceOf(RejectedEventException.class)
                .hasMessageStartingWith("filter fails for this event: ");
        assertThatThrownBy(() -> shaped(null, "payload.customer * 3", PAYLOAD))
                .isInstanceOf(RejectedEventException.class)
                .hasMessageStartingWith("transform fails for this event: ");
        for (String nothing : List.of("payload.nothing", "payload.none", "null")) {
            assertThatThrownBy(() -> shaped(null, nothing, PAYLOAD))
                    .isInstanceOf(RejectedEventException.class)
                    .hasMessage("transform gives nothing for this event");
        }
    }

    @Test
    @Timeout(20)
    void endsAnExpressionThatDoesNot() {
        assertThatThrownBy(() -> shaped("($f := function($n) { $f($n + 1) }; $f(0))", null, PAYLOAD))
                .isInstanceOf(RejectedEventException.class);
    }

    @Test
    void refusesWhatIsNoExpression() {
        assertThatThrownBy(() -> Shape.of("payload.(", null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("filter: is no JSONata expression: ");
        assertThatThrownBy(() -> Shape.of(null, "{ 'a' "))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("transform: is no JSONata expression: ");
    }

    @Test
    void isForManyThreadsAtOnce() throws Exception {
        Shape shape = Shape.of("payload.n >= 0", "{ 'n': payload.n, 'sum': $sum([payload.n, 1]) }");
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var all = IntStream.range(0, 2_000)
                    .mapToObj(i -> threads.submit(() -> shape.of(event("{\"n\":" + i + "}"))))
                    .toList();
            int n = 0;
            for (Future<@Nullable Event> each : all) {
                Event shaped = each.get(Duration.ofSeconds(30).toSeconds(), java.util.concurrent.TimeUnit.SECONDS);
                assertThat(shaped).isNotNull();
                assertThat(shaped.payload().utf8()).isEqualTo("{\"n\":" + n + ",\"sum\":" + (n + 1) + "}");
                n++;
            }
        }
    }
}
