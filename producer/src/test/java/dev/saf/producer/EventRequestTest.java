package dev.saf.producer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.event.Event;
import dev.saf.event.Payload;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class EventRequestTest {

    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    @Test
    void readsEveryField() {
        assertThat(valid("""
            {"subject": "orders.placed", "id": "7", "service": "shop", "time": "2025-01-02T03:04:05+01:00", "payload": {"a": [1]}}
            """))
                .isEqualTo(Event.of(
                        "orders.placed",
                        "7",
                        "shop",
                        Instant.parse("2025-01-02T02:04:05Z"),
                        Payload.of(bytes("{\"a\": [1]}"), "application/json")));
    }

    @Test
    void fillsInWhatIsLeftOut() {
        EventRequest.Read.Valid read = (EventRequest.Read.Valid) read("{\"subject\":\"a\"}");
        assertThat(read.idGenerated()).isTrue();
        assertThat(read.event().id()).hasSize(36);
        assertThat(read.event().time()).isEqualTo(NOW);
        assertThat(read.event().source()).isEqualTo("saf");
        assertThat(read.event().payload()).isEqualTo(Payload.NONE);
    }

    @Test
    void takesNullForAnOptionalFieldThatIsLeftOut() {
        assertThat(valid("{\"subject\":\"a\",\"id\":\"1\",\"service\":null,\"time\":null,\"payload_base64\":null}"))
                .isEqualTo(Event.of("a", "1", null, NOW, Payload.NONE));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "null",
                "true",
                "0",
                "-0",
                "1.0",
                "12345678901234567890123456789012345678901234567890",
                "1e400",
                "\"\"",
                "\"\\u0041\\u0000\\n\\/ é \\ud83d\\ude00 😀\"",
                "[]",
                "{}",
                "[ 1 , {\"b\" : 2, \"a\":\t1} ]",
                "{ \"z\":1,\n\"a\":{\"payload\":\"x\"} }"
            })
    void keepsThePayloadByteForByte(String payload) {
        for (String field : List.of("payload", "data")) {
            for (String around : List.of("%s", " %s ", "\n%s\t")) {
                String value = around.formatted(payload);
                assertThat(valid("{\"subject\":\"a\",\"" + field + "\":" + value + ",\"id\":\"1\"}")
                                .payload()
                                .utf8())
                        .isEqualTo(payload);
                assertThat(valid("{\"subject\":\"a\",\"id\":\"1\",\"" + field + "\":" + value + "}")
                                .payload()
                                .utf8())
                        .isEqualTo(payload);
            }
        }
    }

    @Test
    void keepsAnyGeneratedPayloadByteForByte() {
        Random random = new Random(20261121);
        for (int i = 0; i < 3_000; i++) {
            String payload = json(random, 0);
            assertThat(valid("{\"subject\":\"a\", \"payload\" :" + payload + "}")
                            .payload()
                            .utf8())
                    .isEqualTo(payload);
        }
    }

    /** Whatever is done to a valid body, the answer is an event or a list of violations. */
    @Test
    void survivesMutatedBodies() {
        Random random = new Random(20261122);
        for (int i = 0; i < 100_000; i++) {
            byte[] body =
                    bytes("{\"subject\":\"a.b\",\"id\":\"ü\",\"service\":\"s\",\"payload\":" + json(random, 2) + "}");
            for (int n = random.nextInt(4); n >= 0; n--) {
                body[random.nextInt(body.length)] = (byte) random.nextInt(256);
            }
            assertThat(EventRequest.read(body, 1 + random.nextInt(body.length), InstantSource.fixed(NOW)))
                    .isNotNull();
        }
    }

    @Test
    void decodesBase64() {
        assertThat(
                        valid(
                                "{\"subject\":\"a\",\"id\":\"1\",\"payload_base64\":\"AAEC/w==\",\"content_type\":\"image/png\"}"))
                .isEqualTo(Event.of("a", "1", null, NOW, Payload.of(new byte[] {0, 1, 2, -1}, "image/png")));
        assertThat(valid("{\"subject\":\"a\",\"payload_base64\":\"\"}").payload())
                .isEqualTo(Payload.of(new byte[0], "application/octet-stream"));
    }

    static Stream<String[]> invalid() {
        return Stream.of(new String[][] {
            {"", "", "is empty"},
            {" ", "", "must be a JSON object"},
            {"null", "", "must be a JSON object"},
            {"[]", "", "must be a JSON object"},
            {"\"x\"", "", "must be a JSON object"},
            {"{\"subject\":\"a\"", "", "must be valid JSON"},
            {"{\"subject\":\"a\"} {}", "", "nothing after it"},
            {"{\"subject\":\"a\"}x", "", "must be valid JSON"},
            {"{\"subject\":\"a\",\"subject\":\"b\"}", "", "the same key twice"},
            {"{\"subject\":\"a\",\"payload\":{\"x\":1,\"x\":2}}", "", "the same key twice"},
            {"{\"subject\":\"a\",\"payload\":NaN}", "", "must be valid JSON"},
            {"{\"subject\":\"a\",}", "", "must be valid JSON"},
            {"{'subject':'a'}", "", "must be valid JSON"},
            {"{\"subject\":\"a\"/*x*/}", "", "must be valid JSON"},
            {"{\"subject\":\"a\",\"payload\":" + "[".repeat(100_000), "", "levels deep"},
            {"{\"subject\":\"a\",\"payload\":" + "1".repeat(10_000) + "}", "", "digits a number"},
            {"{\"subject\":\"a\",\"payload\":1e999999999}", "payload", "exponents"},
            {"{\"subject\":\"a\",\"payload\":{\"" + "k".repeat(10_240) + "\":1}}", "", "characters a key"},
            {"\ufeff{\"subject\":\"a\"}", "", "byte order mark"},
            {"{}", "subject", "is missing"},
            {"{\"subject\":null}", "subject", "must be a string"},
            {"{\"subject\":1}", "subject", "must be a string"},
            {"{\"subject\":\"\"}", "subject", "must not be empty"},
            {"{\"subject\":\"a.*\"}", "subject", "must consist"},
            {"{\"subject\":\"a\",\"id\":{}}", "id", "must be a string"},
            {"{\"subject\":\"a\",\"id\":\"\"}", "id", "must not be empty"},
            {"{\"subject\":\"a\",\"id\":\"\\ud800\"}", "id", "surrogate"},
            {"{\"subject\":\"a\",\"service\":\"a b\"}", "service", "must consist"},
            {"{\"subject\":\"a\",\"time\":\"yesterday\"}", "time", "RFC 3339"},
            {"{\"subject\":\"a\",\"time\":\"2026-06-30T23:59:60Z\"}", "time", "RFC 3339"},
            {"{\"subject\":\"a\",\"time\":\"0000-01-01T00:00:00Z\"}", "time", "RFC 3339"},
            {"{\"subject\":\"a\",\"time\":\"2026-01-01T00:00+01:00\"}", "time", "RFC 3339"},
            {"{\"subject\":\"a\",\"time\":\"2026-01-01T00:00:05.Z\"}", "time", "RFC 3339"},
            {"{\"subject\":\"a\",\"payload\":\"\\udc00\"}", "payload", "surrogate"},
            {"{\"subject\":\"a\",\"payload\":1,\"data\":2}", "data", "beside payload"},
            {"{\"subject\":\"a\",\"payload\":1,\"payload_base64\":\"\"}", "payload_base64", "beside payload"},
            {"{\"subject\":\"a\",\"payload_base64\":\"AA\"}", "payload_base64", "Base64"},
            {"{\"subject\":\"a\",\"payload_base64\":\"_-==\"}", "payload_base64", "Base64"},
            {"{\"subject\":\"a\",\"payload_base64\":\"AA ==\"}", "payload_base64", "Base64"},
            {"{\"subject\":\"a\",\"payload\":1,\"content_type\":\"a/b\"}", "content_type", "payload_base64 only"},
            {"{\"subject\":\"a\",\"payload_base64\":\"\",\"content_type\":\"x\"}", "content_type", "media type"},
            {"{\"subject\":\"a\",\"sbuject\":\"a\"}", "sbuject", "is unknown"},
        });
    }

    @ParameterizedTest
    @MethodSource("invalid")
    void saysWhatIsWrong(String body, String field, String detail) {
        assertThat(violations(body)).singleElement().satisfies(violation -> {
            assertThat(violation.field()).isEqualTo(field);
            assertThat(violation.detail()).contains(detail);
        });
    }

    @Test
    void reportsEveryViolationAtOnce() {
        assertThat(violations("{\"subject\":\"a"
                        + " b\",\"id\":\"\",\"service\":7,\"time\":\"x\",\"oops\":[{}],\"payload_base64\":\"?\"}"))
                .extracting(Violation::field)
                .containsExactly("subject", "id", "service", "time", "oops", "payload_base64");
    }

    @Test
    void neverRepeatsAValue() {
        assertThat(violations("{\"subject\":\"s3cret"
                        + " s3cret\",\"id\":\"s3cret\\u0000\",\"time\":\"s3cret\",\"payload_base64\":\"s3cret\"}"))
                .noneMatch(violation -> violation.detail().contains("s3cret"));
        assertThat(violations("{\"subject\":s3cret}"))
                .noneMatch(violation -> violation.detail().contains("s3cret"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"UTF-16LE", "UTF-16BE", "UTF-16", "UTF-32"})
    void refusesOtherEncodings(String encoding) {
        byte[] body = "{\"subject\":\"a\"}".getBytes(Charset.forName(encoding));
        assertThat(EventRequest.read(body, body.length, InstantSource.fixed(NOW)))
                .isInstanceOf(EventRequest.Read.Invalid.class);
    }

    @Test
    void refusesMalformedUtf8WhereverItStands() {
        byte[][] malformed = {
            {(byte) 0xff},
            {(byte) 0xc0, (byte) 0x80},
            {(byte) 0xe2, (byte) 0x82},
            {(byte) 0xed, (byte) 0xa0, (byte) 0x80}
        };
        for (byte[] bad : malformed) {
            byte[] before = bytes("{\"subject\":\"a\",\"payload\":\"");
            byte[] after = bytes("\"}");
            byte[] body = new byte[before.length + bad.length + after.length];
            System.arraycopy(before, 0, body, 0, before.length);
            System.arraycopy(bad, 0, body, before.length, bad.length);
            System.arraycopy(after, 0, body, before.length + bad.length, after.length);
            assertThat(EventRequest.read(body, body.length, InstantSource.fixed(NOW)))
                    .isEqualTo(new EventRequest.Read.Invalid(List.of(new Violation("", "must be valid UTF-8"))));
        }
    }

    @Test
    void countsKeys() {
        StringBuilder keys = new StringBuilder("{\"subject\":\"a\",\"payload\":{");
        for (int i = 0; i < EventRequest.MAX_KEYS; i++) {
            keys.append(i == 0 ? "" : ",").append("\"k").append(i).append("\":0");
        }
        assertThat(valid(keys + "}}").payload().bytes()).isNotEmpty();
        assertThat(violations(keys + ",\"more\":0}}"))
                .singleElement()
                .satisfies(violation -> assertThat(violation.detail()).contains("5000 keys"));
    }

    @Test
    void takesSixtyFourLevels() {
        assertThat(valid("{\"subject\":\"a\",\"payload\":" + "[".repeat(63) + "]".repeat(63) + "}")
                        .payload()
                        .bytes())
                .hasSize(126);
        assertThat(violations("{\"subject\":\"a\",\"payload\":" + "[".repeat(64) + "]".repeat(64) + "}"))
                .hasSize(1);
    }

    private static String json(Random random, int depth) {
        return switch (random.nextInt(depth > 4 ? 4 : 6)) {
            case 0 -> List.of("null", "true", "false").get(random.nextInt(3));
            case 1 -> random.nextInt(-1000, 1000) + (random.nextBoolean() ? "" : ".50e" + random.nextInt(-300, 300));
            case 2, 3 ->
                "\""
                        + List.of(
                                        "",
                                        "ü",
                                        "\\u00e9",
                                        "\\\\",
                                        "\\\"",
                                        "😀",
                                        "\\ud83d\\ude00",
                                        "x".repeat(random.nextInt(300)))
                                .get(random.nextInt(8))
                        + "\"";
            case 4 -> {
                List<String> items = new ArrayList<>();
                for (int i = random.nextInt(4); i > 0; i--) {
                    items.add(space(random) + json(random, depth + 1) + space(random));
                }
                yield "[" + String.join(",", items) + "]";
            }
            default -> {
                List<String> items = new ArrayList<>();
                for (int i = random.nextInt(4); i > 0; i--) {
                    items.add(space(random) + "\"k" + i + "\"" + space(random) + ":" + json(random, depth + 1));
                }
                yield "{" + String.join(",", items) + "}";
            }
        };
    }

    private static String space(Random random) {
        return List.of("", " ", "\n", "\t ").get(random.nextInt(4));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static EventRequest.Read read(String body) {
        byte[] bytes = bytes(body);
        return EventRequest.read(bytes, bytes.length, InstantSource.fixed(NOW));
    }

    private static Event valid(String body) {
        EventRequest.Read read = read(body);
        assertThat(read).isInstanceOf(EventRequest.Read.Valid.class);
        return ((EventRequest.Read.Valid) read).event();
    }

    private static List<Violation> violations(String body) {
        EventRequest.Read read = read(body);
        assertThat(read).isInstanceOf(EventRequest.Read.Invalid.class);
        return ((EventRequest.Read.Invalid) read).violations();
    }
}
