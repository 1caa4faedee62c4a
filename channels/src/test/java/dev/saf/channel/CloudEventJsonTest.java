package dev.saf.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.event.TraceContext;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CloudEventJsonTest {

    private static final String BEGINNING =
            "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"shop\",\"type\":\"orders.placed\"";

    private static String line(String payload, @Nullable String contentType) {
        return line(payload.getBytes(StandardCharsets.UTF_8), contentType);
    }

    private static String line(byte[] payload, @Nullable String contentType) {
        Event event = new Event(
                "orders.placed", "1", "shop", "orders.placed", null, Payload.of(payload, contentType), Map.of(), null);
        return new String(CloudEventJson.line(event), StandardCharsets.UTF_8);
    }

    @Test
    void hasEveryAttribute() {
        Event event = new Event(
                "orders.placed",
                "1",
                "shop",
                "orders.placed",
                Instant.parse("2026-01-02T03:04:05Z"),
                Payload.NONE,
                Map.of("partitionkey", "b\"7"),
                new TraceContext("00-1", "a=b"));
        assertThat(new String(CloudEventJson.line(event), StandardCharsets.UTF_8))
                .isEqualTo(BEGINNING + ",\"time\":\"2026-01-02T03:04:05Z\",\"partitionkey\":\"b\\\"7\","
                        + "\"traceparent\":\"00-1\",\"tracestate\":\"a=b\"}");
    }

    @Test
    void hasOneTrace() {
        Event event = new Event(
                "orders.placed",
                "1",
                "shop",
                "orders.placed",
                null,
                Payload.NONE,
                Map.of("traceparent", "00-old", "tracestate", "old"),
                new TraceContext("00-new", null));
        assertThat(new String(CloudEventJson.line(event), StandardCharsets.UTF_8))
                .isEqualTo(BEGINNING + ",\"traceparent\":\"00-new\"}");
    }

    @Test
    void leavesJsonAsItWasSent() {
        assertThat(line("{\"a\":\n 1.10,\r\n\"b\":12345678901234567890, \"c\":\"\\n\"}", "application/json"))
                .isEqualTo(BEGINNING + ",\"datacontenttype\":\"application/json\","
                        + "\"data\":{\"a\":  1.10,  \"b\":12345678901234567890, \"c\":\"\\n\"}}");
        assertThat(line("[1]", "application/vnd.shop+json; v=1")).endsWith("\"data\":[1]}");
        assertThat(line("null", null)).isEqualTo(BEGINNING + ",\"data\":null}");
    }

    @Test
    void writesTextAsAString() {
        assertThat(line("one\ntwo", "text/plain")).endsWith("\"data\":\"one\\ntwo\"}");
    }

    @Test
    void writesEverythingElseInBase64() {
        assertThat(line("abc", "application/octet-stream")).endsWith("\"data_base64\":\"YWJj\"}");
        assertThat(line("{\"a\":1", "application/json")).endsWith("\"data_base64\":\"eyJhIjox\"}");
        assertThat(line("1 2", "application/json")).endsWith("\"data_base64\":\"MSAy\"}");
        assertThat(line("  ", "application/json")).endsWith("\"data_base64\":\"ICA=\"}");
        assertThat(line(new byte[] {'"', (byte) 0xff, '"'}, "application/json")).endsWith("\"data_base64\":\"Iv8i\"}");
        assertThat(line(new byte[] {(byte) 0xff}, "text/plain")).endsWith("\"data_base64\":\"/w==\"}");
    }
}
