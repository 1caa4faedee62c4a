package dev.saf.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.jspecify.annotations.Nullable;

class WireFormatTest {

    @Property
    void whatGoesInComesOut(@ForAll("events") Event event) {
        Map<String, String> headers = headers(event);
        assertThat(WireFormat.read(
                        WireFormat.natsSubject(event),
                        headers.keySet(),
                        headers::get,
                        event.payload().bytes()))
                .isEqualTo(event);
    }

    @Property
    void everyHeaderIsPrintableAscii(@ForAll("events") Event event) {
        assertThat(headers(event).values()).allMatch(value -> value.chars().allMatch(c -> c >= 0x20 && c <= 0x7e));
    }

    @Property
    void differentIdentitiesHaveDifferentMessageIds(@ForAll("events") Event one, @ForAll("events") Event other) {
        assertThat(WireFormat.messageId(one).equals(WireFormat.messageId(other)))
                .isEqualTo(one.source().equals(other.source()) && one.id().equals(other.id()));
    }

    @Property
    void theDigestTellsContentApart(@ForAll("events") Event one, @ForAll("events") Event other) {
        assertThat(WireFormat.digest(one).equals(WireFormat.digest(other)))
                .isEqualTo(
                        one.subject().equals(other.subject()) && one.payload().equals(other.payload()));
    }

    @Example
    void writesTheHeadersOfTheCloudEventsBinding() {
        Event event = Event.of(
                        "orders.placed",
                        "a b/ü",
                        "shop",
                        Instant.parse("2026-01-02T03:04:05Z"),
                        Payload.of("{\"a\":1}".getBytes(StandardCharsets.UTF_8), "application/json"))
                .withTrace(new TraceContext("00-1-2-01", "x=y"));
        assertThat(headers(event))
                .containsEntry("ce-specversion", "1.0")
                .containsEntry("ce-id", "a%20b/%C3%BC")
                .containsEntry("ce-source", "shop")
                .containsEntry("ce-type", "orders.placed")
                .containsEntry("ce-time", "2026-01-02T03:04:05Z")
                .containsEntry("content-type", "application/json")
                .containsEntry("traceparent", "00-1-2-01")
                .containsEntry("tracestate", "x=y")
                .containsEntry("Nats-Msg-Id", "shop/a%20b%2F%C3%BC")
                // printf 'orders.placed\napplication/json\n{"a":1}' | openssl dgst -sha256 -binary | basenc --base64url
                .containsEntry("Saf-Digest", "_TV1duetKPUwZ8Kr_NHsZp8ePsi1XPTDeQNT0_-CoM0")
                .hasSize(10);
    }

    @Example
    void aSlashCannotMoveBetweenServiceAndId() {
        assertThat(messageId("a", "b/c")).isEqualTo("a/b%2Fc");
        assertThat(messageId(null, "a/b/c")).isEqualTo("a%2Fb%2Fc");
        assertThat(messageId(null, "c")).isEqualTo("c");
    }

    @Example
    void readsWhatAForeignPublisherWrites() {
        Map<String, String> headers = new HashMap<>(Map.of(
                "Ce-Specversion", "1.0",
                "Ce-Id", "A-1",
                "Ce-Source", "https://example.com/x?y=%25z",
                "Ce-Type", "com.example.placed",
                "Ce-Time", "2026-01-02T05:04:05.5+02:00",
                "ce-partitionkey", "7",
                "ce-subject", "theirs",
                "Content-Type", "text/plain",
                "x-other", "ignored"));
        assertThat(WireFormat.read("events.orders", headers.keySet(), headers::get, new byte[] {1}))
                .isEqualTo(new Event(
                        "orders",
                        "A-1",
                        "https://example.com/x?y=%z",
                        "com.example.placed",
                        Instant.parse("2026-01-02T03:04:05.5Z"),
                        Payload.of(new byte[] {1}, "text/plain"),
                        Map.of("partitionkey", "7", "subject", "theirs"),
                        null));
    }

    @Example
    void refusesWhatIsNoEvent() {
        assertInvalid("events.a", Map.of(), "specversion is missing");
        assertInvalid("events.a", Map.of("ce-specversion", "0.3"), "specversion must be 1.0");
        assertInvalid("events.a", Map.of("ce-specversion", "1.0", "ce-id", "1", "ce-source", "s"), "type is missing");
        assertInvalid("elsewhere.a", Map.of(), "subject must begin with events.");
        Map<String, String> good = Map.of("ce-specversion", "1.0", "ce-id", "1", "ce-source", "s", "ce-type", "t");
        assertInvalid("events.a b", good, "subject must consist");
        assertInvalid("events.a..b", good, "subject must not have empty tokens");
        Map<String, String> badTime = new HashMap<>(good);
        badTime.put("ce-time", "yesterday");
        assertInvalid("events.a", badTime, "time must be");
    }

    @Property
    void generatedIdsAreVersion7AndCarryTheirTime(@ForAll("millis") long millis) {
        UUID id = UUID.fromString(EventIds.next(millis));
        assertThat(id.version()).isEqualTo(7);
        assertThat(id.variant()).isEqualTo(2);
        assertThat(id.getMostSignificantBits() >>> 16).isEqualTo(millis);
        assertThat(EventIds.next(millis)).isNotEqualTo(id.toString());
    }

    @Provide
    Arbitrary<Long> millis() {
        return Arbitraries.longs().between(0, (1L << 48) - 1);
    }

    @Provide
    Arbitrary<Event> events() {
        Arbitrary<String> token =
                Arbitraries.strings().withChars("abcXYZ019_-").ofMinLength(1).ofMaxLength(12);
        Arbitrary<String> subject = token.list().ofMinSize(1).ofMaxSize(16).map(tokens -> String.join(".", tokens));
        Arbitrary<String> id = Arbitraries.strings()
                .withChars("ab/%\" é€\ud83d\ude00~".toCharArray())
                .ofMinLength(1)
                .ofMaxLength(20)
                .filter(text -> Rules.id(text) == null);
        Arbitrary<@Nullable String> service = Arbitraries.strings()
                .withChars("ab._-9")
                .ofMinLength(1)
                .ofMaxLength(20)
                .injectNull(0.3);
        Arbitrary<Instant> time = Arbitraries.longs()
                .between(-62_000_000_000L, 253_000_000_000L)
                .flatMap(second ->
                        Arbitraries.longs().between(0, 999_999_999).map(nano -> Instant.ofEpochSecond(second, nano)));
        Arbitrary<Payload> payload = Arbitraries.bytes()
                .array(byte[].class)
                .ofMaxSize(300)
                .flatMap(bytes -> Arbitraries.of("application/json", "application/x-a; q=\"b c\"")
                        .injectNull(0.2)
                        .map(type -> Payload.of(bytes, type)));
        Arbitrary<@Nullable TraceContext> trace = Arbitraries.of(
                        new TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", null),
                        new TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", "a=b"))
                .injectNull(0.5);
        Arbitrary<Map<String, String>> attributes = Arbitraries.maps(
                        Arbitraries.of("subject", "dataschema", "partitionkey", "x1"), id)
                .ofMaxSize(3);
        return Combinators.combine(subject, id, service, time, payload, trace, attributes)
                .as((s, i, from, at, body, context, more) -> {
                    Event event = Event.of(s, i, from, at, body);
                    return new Event(
                            event.subject(), i, event.source(), event.type(), event.time(), body, more, context);
                });
    }

    private static String messageId(@Nullable String service, String id) {
        return WireFormat.messageId(Event.of("s", id, service, Instant.EPOCH, Payload.NONE));
    }

    private static Map<String, String> headers(Event event) {
        Map<String, String> headers = new HashMap<>();
        WireFormat.write(event, headers::put);
        return headers;
    }

    private static void assertInvalid(String subject, Map<String, String> headers, String message) {
        assertThatThrownBy(() -> WireFormat.read(subject, headers.keySet(), headers::get, new byte[0]))
                .isInstanceOf(InvalidEventException.class)
                .hasMessageContaining(message);
    }
}
