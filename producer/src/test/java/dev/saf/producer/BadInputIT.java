package dev.saf.producer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.natsserver.NatsServer;
import io.nats.client.api.MessageInfo;
import io.nats.client.impl.Headers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The catalogue of what clients send by mistake or with intent, as raw bytes: each row has its answer, and what is
 * refused leaves the stream unchanged. Statuses: 0 is a connection closed without an answer.
 */
@SuppressWarnings({"ArrayRecordComponent", "StringConcatToTextBlock"}) // Bytes on the wire, with CR LF.
class BadInputIT {

    private static final int LIMIT = 256 * 1024;
    private static final String GOOD = "{\"subject\":\"a.b\",\"payload\":1}";

    private static NatsServer nats;
    private static RunningProducer producer;

    @BeforeAll
    static void start() {
        nats = NatsServer.start();
        producer = RunningProducer.with(nats, "saf.producer.read-timeout=1s");
    }

    @AfterAll
    static void stop() {
        producer.close();
        nats.close();
    }

    /**
     * One request and what may be answered.
     *
     * @param name row of the catalogue and what is sent
     */
    record Row(String name, byte[] request, List<Integer> statuses) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static Row json(String name, String body) {
        return new Row(name, RawHttp.post(body), List.of(400));
    }

    private static Row json(String name, byte[] body) {
        return new Row(name, RawHttp.post(body), List.of(400));
    }

    private static Row subject(String name, String jsonString) {
        return json(name, "{\"subject\":\"" + jsonString + "\"}");
    }

    private static Row id(String name, String jsonString) {
        return json(name, "{\"subject\":\"a\",\"id\":\"" + jsonString + "\"}");
    }

    private static Row payload(String name, String json) {
        return json(name, "{\"subject\":\"a\",\"payload\":" + json + "}");
    }

    private static Row header(String name, int status, String... headers) {
        return new Row(name, RawHttp.post(GOOD, headers), List.of(status));
    }

    private static Row raw(String name, String request, Integer... statuses) {
        return new Row(name, request.getBytes(StandardCharsets.ISO_8859_1), List.of(statuses));
    }

    private static Row target(String name, String line, Integer... statuses) {
        return raw(
                name,
                line + "\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " + GOOD.length()
                        + "\r\n\r\n" + GOOD,
                statuses);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] inPayload(int... bytes) {
        byte[] bad = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            bad[i] = (byte) bytes[i];
        }
        return RawHttp.concat(utf8("{\"subject\":\"a\",\"payload\":\""), bad, utf8("\"}"));
    }

    private static byte[] gzip(byte[] bytes) {
        ByteArrayOutputStream zipped = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(zipped)) {
            gzip.write(bytes);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return zipped.toByteArray();
    }

    private static String keys(int count) {
        return IntStream.range(0, count).mapToObj(i -> "\"k" + i + "\":0").collect(Collectors.joining(",", "{", "}"));
    }

    static Stream<Row> refused() {
        return Stream.of(
                json("1 empty body", ""),
                json("2 null", "null"),
                json("3 array", "[]"),
                json("3 string", "\"x\""),
                json("3 number", "1"),
                json("3 true", "true"),
                json("4 truncated", "{\"subject\":\"a\""),
                json("5 second object", GOOD + " {}"),
                json("5 garbage", GOOD + "garbage"),
                json("6 duplicate key", "{\"subject\":\"a\",\"id\":\"a\",\"id\":\"b\"}"),
                json("6 duplicate key in the payload", "{\"subject\":\"a\",\"payload\":{\"k\":1,\"k\":2}}"),
                json("7 unknown field", "{\"subject\":\"a\",\"sbuject\":\"b\"}"),
                json("8 comment", "{\"subject\":\"a\"/**/}"),
                json("8 single quotes", "{'subject':'a'}"),
                json("8 trailing comma", "{\"subject\":\"a\",}"),
                json("8 unquoted key", "{subject:\"a\"}"),
                payload("8 NaN", "NaN"),
                payload("8 Infinity", "Infinity"),
                payload("9 depth 65", "[".repeat(65) + "]".repeat(65)),
                payload("9 depth 100,000", "[".repeat(100_000)),
                payload("10 key of 10 KiB", "{\"" + "k".repeat(10_240) + "\":1}"),
                json("10 10,000 keys", keys(10_000)),
                payload("10 10,000 keys in the payload", keys(10_000)),
                payload("11 10,000 digits", "1".repeat(10_000)),
                payload("11 huge exponent", "1e999999999"),
                json("12 byte order mark", "\ufeff" + GOOD),
                json("13 UTF-16", GOOD.getBytes(StandardCharsets.UTF_16LE)),
                json("13 UTF-16 with mark", GOOD.getBytes(StandardCharsets.UTF_16)),
                json("13 UTF-32", GOOD.getBytes(StandardCharsets.UTF_32)),
                json("14 invalid UTF-8", inPayload(0xff)),
                json("14 overlong UTF-8", inPayload(0xc0, 0x80)),
                json("14 truncated UTF-8", inPayload(0xe2, 0x82)),
                id("15 lone surrogate in id", "\\ud800"),
                subject("15 lone surrogate in subject", "\\ud800"),
                payload("15 lone surrogate in the payload", "{\"a\":[\"\\ud800\"]}"),
                id("16 NUL in id", "a\\u0000"),
                subject("16 NUL in subject", "a\\u0000"),
                json("16 NUL in service", "{\"subject\":\"a\",\"service\":\"a\\u0000\"}"),
                json("17 raw control character", inPayload(0x01)),
                json("18 no subject", "{}"),
                subject("19 empty subject", ""),
                subject("19 spaces only", "  "),
                subject("20 space", "a b"),
                subject("20 tab", "a\\tb"),
                subject("20 CR LF", "a\\r\\nb"),
                subject("22 *", "*"),
                subject("22 >", ">"),
                subject("22 a.*", "a.*"),
                subject("22 a.>", "a.>"),
                subject("22 a*b", "a*b"),
                subject("23 .a", ".a"),
                subject("23 a.", "a."),
                subject("23 a..b", "a..b"),
                subject("24 $JS", "$JS.API.STREAM.DELETE.events"),
                subject("24 $SYS", "$SYS.x"),
                subject("25 protocol injection", "a\\r\\nPUB evil 1\\r\\nx"),
                subject("26 non-ASCII", "caf\u00e9"),
                subject("26 homoglyph", "\u0430"),
                subject("26 right-to-left mark", "a\u200f"),
                subject("26 emoji", "\ud83d\ude00"),
                subject("27 201 characters", "a".repeat(201)),
                subject("27 17 tokens", "a" + ".a".repeat(16)),
                subject("27 5 KiB", "a".repeat(5_120)),
                subject("28 %2e", "a%2e%2eb"),
                subject("28 ../", "../a"),
                subject("28 backslash", "a\\\\b"),
                json("29 empty service", "{\"subject\":\"a\",\"service\":\"\"}"),
                json("29 service with a slash", "{\"subject\":\"a\",\"service\":\"a/b\"}"),
                json("29 service of 65 characters", "{\"subject\":\"a\",\"service\":\"" + "s".repeat(65) + "\"}"),
                json("30 subject is a number", "{\"subject\":1}"),
                json("30 id is an object", "{\"subject\":\"a\",\"id\":{}}"),
                json("30 payload_base64 is a number", "{\"subject\":\"a\",\"payload_base64\":5}"),
                id("31 empty id", ""),
                id("33 id of 129 characters", "i".repeat(129)),
                id("35 header injection", "1\\r\\nNats-Rollup: all"),
                json("40 not Base64", "{\"subject\":\"a\",\"payload_base64\":\"?\"}"),
                json("40 Base64url", "{\"subject\":\"a\",\"payload_base64\":\"_-__\"}"),
                json("40 no padding", "{\"subject\":\"a\",\"payload_base64\":\"QQ\"}"),
                json("40 white space", "{\"subject\":\"a\",\"payload_base64\":\"QU FB\"}"),
                new Row("42 limit + 1, declared", RawHttp.post(padded(LIMIT + 1)), List.of(413)),
                new Row("43 limit + 1, chunked", chunked(padded(LIMIT + 1)), List.of(413)),
                raw(
                        "45 shorter than declared",
                        "POST /api/event HTTP/1.1\r\n"
                                + "Host: x\r\n"
                                + "Content-Type: application/json\r\n"
                                + "Content-Length: 100\r\n\r\n"
                                + "{",
                        408),
                raw(
                        "47 negative length",
                        "POST /api/event HTTP/1.1\r\n"
                                + "Host: x\r\n"
                                + "Content-Type: application/json\r\n"
                                + "Content-Length: -1\r\n\r\n",
                        400),
                header("47 two lengths", 400, "Content-Length: 29", "Content-Length: 30"),
                raw(
                        "48 length and transfer encoding",
                        "POST /api/event HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4\r\n"
                                + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                        400),
                raw(
                        "49 unknown transfer encoding",
                        "POST /api/event HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
                        400,
                        501),
                raw(
                        "49 malformed chunk",
                        "POST /api/event HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                + "Transfer-Encoding: chunked\r\n\r\nZZ\r\n\r\n",
                        400),
                raw(
                        "49 no final chunk",
                        "POST /api/event HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
                        408),
                header(
                        "52 1,000 headers",
                        400,
                        IntStream.range(0, 1_000)
                                .mapToObj(i -> "X-" + i + ": 1")
                                .toArray(String[]::new)),
                header("52 header of 64 KiB", 400, "X-Long: " + "x".repeat(65_536)),
                target("52 address of 16 KiB", "POST /api/event?" + "x".repeat(16_384) + " HTTP/1.1", 400, 414),
                header("53 no Content-Type", 415, "content-type:"),
                header("54 text/plain", 415, "Content-Type: text/plain"),
                header("54 XML", 415, "Content-Type: application/xml"),
                header("54 form", 415, "Content-Type: application/x-www-form-urlencoded"),
                header("54 multipart", 415, "Content-Type: multipart/form-data; boundary=x"),
                header("55 UTF-16 declared", 415, "Content-Type: application/json; charset=utf-16"),
                header("57 malformed Content-Type", 415, "Content-Type: json/;;"),
                new Row("58 gzip", RawHttp.post(gzip(utf8(GOOD)), "Content-Encoding: gzip"), List.of(415)),
                new Row(
                        "59 gzip bomb",
                        RawHttp.post(gzip(new byte[50_000_000]), "Content-Encoding: gzip"),
                        List.of(415)),
                header("60 br", 415, "Content-Encoding: br"),
                header("60 bogus", 415, "Content-Encoding: bogus"),
                header("62 unknown expectation", 417, "Expect: 200-ok"),
                target("63 GET", "GET /api/event HTTP/1.1", 405),
                target("63 PUT", "PUT /api/event HTTP/1.1", 405),
                target("63 DELETE", "DELETE /api/event HTTP/1.1", 405),
                target("63 PATCH", "PATCH /api/event HTTP/1.1", 405),
                target("65 TRACE", "TRACE /api/event HTTP/1.1", 405, 501),
                target("65 CONNECT", "CONNECT /api/event HTTP/1.1", 400, 405, 501),
                target("65 FOO", "FOO /api/event HTTP/1.1", 405, 501),
                target("66 trailing slash", "POST /api/event/ HTTP/1.1", 404),
                target("66 capitals", "POST /API/EVENT HTTP/1.1", 404),
                target("66 double slash", "POST //api/event HTTP/1.1", 400, 404),
                target("66 dot segment", "POST /api/./event HTTP/1.1", 400, 404),
                target("66 dot dot segment", "POST /x/../api/event HTTP/1.1", 400, 404),
                target("66 path parameter", "POST /api/event;x=1 HTTP/1.1", 400, 404),
                target("66 NUL", "POST /api/event%00 HTTP/1.1", 400, 404),
                target("66 encoded letter", "POST /api/%65vent HTTP/1.1", 400, 404),
                raw("68 HTTP/0.9", "GET /api/event\r\n", 0, 400, 505),
                raw(
                        "68 HTTP/1.0 without Host",
                        "POST /api/event HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: " + GOOD.length()
                                + "\r\n\r\n" + GOOD,
                        400),
                target("68 HTTP/3.7", "POST /api/event HTTP/3.7", 400, 505),
                header("69 two Hosts", 400, "Host: other"),
                raw(
                        "69 Host with spaces",
                        "POST /api/event HTTP/1.1\r\nHost: a b\r\nContent-Type: application/json\r\nContent-Length: "
                                + GOOD.length() + "\r\n\r\n" + GOOD,
                        400),
                target("69 absolute form, other host", "POST http://elsewhere/api/event HTTP/1.1", 400, 404),
                header("72 space before the colon", 400, "X-Bad : 1"),
                header("72 NUL in a header", 400, "X-Bad: a\u0000b"),
                header("72 bare CR", 400, "X-Bad: a\rb"),
                json("82 time in words", "{\"subject\":\"a\",\"time\":\"yesterday\"}"),
                json("82 year 0000", "{\"subject\":\"a\",\"time\":\"0000-01-01T00:00:00Z\"}"),
                json("82 leap second", "{\"subject\":\"a\",\"time\":\"2016-12-31T23:59:60Z\"}"),
                json("82 no offset", "{\"subject\":\"a\",\"time\":\"2026-01-01T00:00:00\"}"),
                raw(
                        "86 WebSocket",
                        "GET /api/event HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
                        405),
                raw("86 HTTP/2 prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, 400, 505),
                raw("86 TLS", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003\r\n\r\n", 0, 400));
    }

    @ParameterizedTest
    @MethodSource("refused")
    void refuses(Row row) throws Exception {
        long before = RunningProducer.stream(nats).getStreamState().getLastSequence();
        RawHttp.Answer answer = RawHttp.once(producer.port(), row.request());
        assertThat(answer.status()).isIn(row.statuses());
        if (answer.status() != 0) {
            assertThat(answer.headers().get("Content-Type")).startsWith(Problem.CONTENT_TYPE);
            assertThat(answer.body())
                    .contains("\"status\":" + answer.status(), "\"outcome\":\"not_stored\"", "\"detail\":")
                    .doesNotContain("Exception", "java", "Tomcat");
            if (answer.status() == 405 && !row.name().contains("TRACE")) {
                assertThat(answer.headers().get("Allow")).contains("POST");
            }
        }
        assertThat(RunningProducer.stream(nats).getStreamState().getLastSequence())
                .isEqualTo(before);
    }

    static Stream<Row> accepted() {
        return Stream.of(
                new Row(
                        "17 control characters as escapes",
                        RawHttp.post("{\"subject\":\"a\",\"payload\":\"\\u0000\\n\"}"),
                        List.of(202)),
                new Row("21 several tokens", RawHttp.post("{\"subject\":\"a.b\"}"), List.of(202)),
                new Row(
                        "24 _INBOX is a subject like any other below events.",
                        RawHttp.post("{\"subject\":\"_INBOX.x\"}"),
                        List.of(202)),
                new Row("27 200 characters", RawHttp.post("{\"subject\":\"" + "a".repeat(200) + "\"}"), List.of(202)),
                new Row(
                        "29 service",
                        RawHttp.post("{\"subject\":\"a\",\"service\":\"Any-Service_1.2\"}"),
                        List.of(202)),
                new Row("32 no id", RawHttp.post("{\"subject\":\"a\"}"), List.of(202)),
                new Row("34 id with spaces", RawHttp.post("{\"subject\":\"a\",\"id\":\" k k \"}"), List.of(202)),
                new Row("36 non-ASCII id", RawHttp.post("{\"subject\":\"a\",\"id\":\"caf\u00e9\"}"), List.of(202)),
                new Row("37 id with a dot", RawHttp.post("{\"subject\":\"a\",\"id\":\"1.2\"}"), List.of(202)),
                new Row(
                        "38 id that somebody might evaluate",
                        RawHttp.post("{\"subject\":\"a\",\"id\":\"${jndi:ldap://x} {{7*7}} ' OR 1=1 __proto__\"}"),
                        List.of(202)),
                new Row("39 null payload", RawHttp.post("{\"subject\":\"a\",\"payload\":null}"), List.of(202)),
                new Row("39 empty string", RawHttp.post("{\"subject\":\"a\",\"payload\":\"\"}"), List.of(202)),
                new Row("41 limit, declared", RawHttp.post(padded(LIMIT)), List.of(202)),
                new Row("41 limit, chunked", chunked(padded(LIMIT)), List.of(202)),
                header("56 charset", 202, "Content-Type: application/json;charset=UTF-8"),
                header("56 capitals", 202, "Content-Type: APPLICATION/JSON"),
                header("60 identity", 202, "Content-Encoding: identity"),
                header("61 Accept: text/html", 202, "Accept: text/html"),
                header("61 Accept: image/png", 202, "Accept: image/png"),
                header("62 100-continue", 202, "Expect: 100-continue"),
                target("64 OPTIONS", "OPTIONS /api/event HTTP/1.1", 204),
                target("67 query parameters", "POST /api/event?a=1&b=2 HTTP/1.1", 202),
                header("70 method override", 202, "X-HTTP-Method-Override: DELETE"),
                header("71 forwarded", 202, "X-Forwarded-For: <script>"),
                header("71 a thousand hops", 202, "X-Forwarded-For: " + "1.2.3.4,".repeat(500)),
                // RFC 9112, section 5.2, leaves it to the server to refuse a folded line or to unfold it, as Tomcat
                // does.
                header("72 folded header", 202, "X-Bad: 1\r\n 2"),
                header("74 malformed traceparent", 202, "traceparent: garbage"),
                header("74 long tracestate", 202, "tracestate: " + "a=b,".repeat(1_000)),
                header("74 baggage", 202, "baggage: " + "a=b,".repeat(200)),
                header(
                        "86 h2c upgrade is ignored",
                        202,
                        "Connection: Upgrade, HTTP2-Settings",
                        "Upgrade: h2c",
                        "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
                new Row(
                        "82 far future",
                        RawHttp.post("{\"subject\":\"a\",\"time\":\"9999-12-31T23:59:59Z\"}"),
                        List.of(202)));
    }

    @ParameterizedTest
    @MethodSource("accepted")
    void accepts(Row row) throws Exception {
        RawHttp.Answer answer = RawHttp.once(producer.port(), row.request());
        assertThat(answer.status()).as(answer.body()).isIn(row.statuses());
        assertThat(answer.headers()).doesNotContainKey("Access-Control-Allow-Origin");
    }

    /** Row 44. */
    @Test
    void cutsOffAnEndlessBody() throws Exception {
        try (RawHttp http = new RawHttp(producer.port())) {
            http.send(utf8("POST /api/event HTTP/1.1\r\n"
                    + "Host: x\r\n"
                    + "Content-Type: application/json\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n"));
            byte[] chunk = utf8("10000\r\n" + " ".repeat(0x10000) + "\r\n");
            int sent = 0;
            try {
                while (sent < 1_000) {
                    http.send(chunk);
                    sent++;
                }
            } catch (IOException e) {
                // The connection was closed under us, as it should be.
            }
            assertThat(sent).isLessThan(1_000);
        }
    }

    /** Row 46. */
    @Test
    void takesWhatFollowsTheDeclaredLengthForTheNextRequest() throws Exception {
        try (RawHttp http = new RawHttp(producer.port())) {
            http.send(RawHttp.post(utf8(GOOD + "garbage garbage\r\n\r\n"), "Content-Length: " + GOOD.length()));
            assertThat(http.answer().status()).isEqualTo(202);
            assertThat(http.answer().status()).isIn(400, 0);
        }
    }

    /** Row 50. */
    @Test
    void givesUpOnABodyThatDrips() throws Exception {
        try (RawHttp http = new RawHttp(producer.port());
                var drip = Executors.newVirtualThreadPerTaskExecutor()) {
            http.send(utf8("POST /api/event HTTP/1.1\r\n"
                    + "Host: x\r\n"
                    + "Content-Type: application/json\r\n"
                    + "Content-Length: 1000\r\n\r\n"));
            Future<?> dripping = drip.submit(() -> {
                try {
                    while (!Thread.currentThread().isInterrupted()) {
                        http.send(utf8(" "));
                        java.util.concurrent.locks.LockSupport.parkNanos(
                                Duration.ofMillis(100).toNanos());
                    }
                } catch (IOException e) {
                    // Closed, as it should be.
                }
            });
            int status = http.answer().status();
            dripping.cancel(true);
            assertThat(status).isEqualTo(408);
        }
    }

    /** Row 51. */
    @Test
    void givesUpOnHeadersThatDrip() throws Exception {
        try (RawHttp http = new RawHttp(producer.port());
                var drip = Executors.newVirtualThreadPerTaskExecutor()) {
            http.send(utf8("POST /api/event HTTP/1.1\r\nHost: x\r\nX-Slow: "));
            Future<?> dripping = drip.submit(() -> {
                try {
                    while (!Thread.currentThread().isInterrupted()) {
                        http.send(utf8("x"));
                        java.util.concurrent.locks.LockSupport.parkNanos(
                                Duration.ofMillis(200).toNanos());
                    }
                } catch (IOException e) {
                    // Closed, as it should be.
                }
            });
            http.timeout(Duration.ofSeconds(20));
            int status = http.answer().status();
            dripping.cancel(true);
            assertThat(status).isIn(0, 400, 408);
        }
    }

    /** Row 73. */
    @Test
    void copiesNoHeaderOfTheRequestIntoTheMessage() throws Exception {
        RawHttp.Answer answer = producer.post(
                GOOD,
                "Nats-Msg-Id: mine",
                "Nats-Rollup: all",
                "Nats-TTL: 1s",
                "Nats-Expected-Last-Msg-Id: x",
                "Nats-Schedule: @at 2030-01-01T00:00:00Z",
                "ce-source: evil",
                "X-Anything: 1",
                "baggage: a=b");
        assertThat(answer.status()).isEqualTo(202);
        MessageInfo message = RunningProducer.message(
                nats, RunningProducer.stream(nats).getStreamState().getLastSequence());
        Headers headers = message.getHeaders();
        assertThat(headers).isNotNull();
        assertThat(headers.keySet())
                .isSubsetOf(
                        "Nats-Msg-Id",
                        "Saf-Digest",
                        "ce-specversion",
                        "ce-id",
                        "ce-source",
                        "ce-type",
                        "ce-time",
                        "content-type",
                        "traceparent");
        assertThat(headers.getFirst("Nats-Msg-Id")).isNotEqualTo("mine");
        assertThat(headers.getFirst("ce-source")).isEqualTo("saf");
    }

    /** Rows 87 to 89 and 91. */
    @Test
    void tellsARepeatedEventFromAReusedId() throws Exception {
        String event = "{\"subject\":\"a\",\"id\":\"r1\",\"service\":\"s1\",\"payload\":{\"a\":1,\"b\":2}}";
        RawHttp.Answer first = producer.post(event);
        assertThat(first.status()).isEqualTo(202);
        assertThat(first.body()).contains("\"duplicate\":false");
        long stored = RunningProducer.stream(nats).getStreamState().getLastSequence();

        RawHttp.Answer again = producer.post(event);
        assertThat(again.status()).isEqualTo(202);
        assertThat(again.body()).contains("\"duplicate\":true", "\"sequence\":" + stored);

        for (String other : List.of(
                event.replace("\"a\":1,", "\"a\":2,"),
                event.replace("\"a\":1,", "\"a\": 1,"),
                event.replace("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}"),
                event.replace("\"subject\":\"a\"", "\"subject\":\"b\""))) {
            RawHttp.Answer reused = producer.post(other);
            assertThat(reused.status()).isEqualTo(422);
            assertThat(reused.body()).contains("\"field\":\"id\"", "\"outcome\":\"not_stored\"");
        }
        assertThat(RunningProducer.stream(nats).getStreamState().getLastSequence())
                .isEqualTo(stored);

        assertThat(producer.post(event.replace("s1", "s2")).body()).contains("\"duplicate\":false");
        assertThat(RunningProducer.stream(nats).getStreamState().getLastSequence())
                .isEqualTo(stored + 1);
    }

    /** Row 90. */
    @Test
    void storesOneOfAHundredConcurrentRepeats() throws Exception {
        long before = RunningProducer.stream(nats).getStreamState().getLastSequence();
        try (var clients = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<Integer>> posts = java.util.Collections.nCopies(
                    100,
                    () -> producer.post("{\"subject\":\"a\",\"id\":\"r90\"}").status());
            for (Future<Integer> status : clients.invokeAll(posts)) {
                assertThat(status.get()).isEqualTo(202);
            }
        }
        assertThat(RunningProducer.stream(nats).getStreamState().getLastSequence())
                .isEqualTo(before + 1);
    }

    /** Row 96. */
    @Test
    void survivesClientsThatHangUp() throws Exception {
        for (int i = 0; i < 200; i++) {
            try (RawHttp http = new RawHttp(producer.port())) {
                byte[] request = RawHttp.post("{\"subject\":\"a\",\"id\":\"hangup-" + i + "\"}");
                http.send(java.util.Arrays.copyOf(request, i % 2 == 0 ? request.length : request.length - 1 - i / 8));
            }
        }
        assertThat(producer.post(GOOD).status()).isEqualTo(202);
    }

    /** More of them than there are threads to write answers. */
    @Test
    void clientsThatNeverReadDoNotStallTheOthers() throws Exception {
        List<RawHttp> deaf = new ArrayList<>();
        List<Future<?>> sending = new ArrayList<>();
        byte[] requests = RawHttp.concat(
                java.util.Collections.nCopies(100, RawHttp.post(GOOD)).toArray(byte[][]::new));
        try (var senders = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 8; i++) {
                RawHttp http = new RawHttp(producer.port());
                deaf.add(http);
                sending.add(senders.submit(() -> {
                    try {
                        while (true) {
                            http.send(requests);
                        }
                    } catch (IOException e) {
                        // Closed by the service, which could not get rid of its answers.
                    }
                }));
            }
            while (!sending.stream().allMatch(Future::isDone)) {
                try (RawHttp http = new RawHttp(producer.port())) {
                    http.timeout(Duration.ofSeconds(8));
                    http.send(RawHttp.post(GOOD));
                    int status = http.answer().status();
                    if (status != 202) {
                        for (RawHttp one : deaf) {
                            one.close();
                        }
                    }
                    assertThat(status).isEqualTo(202);
                }
            }
        } finally {
            for (RawHttp http : deaf) {
                http.close();
            }
        }
        // What they sent last is still being stored.
        await().until(() ->
                producer.metrics().get("saf.producer.in.flight").gauge().value() == 0);
    }

    /** Row 97. */
    @Test
    void answersPipelinedRequestsUpToAMalformedOne() throws Exception {
        try (RawHttp http = new RawHttp(producer.port())) {
            for (int i = 0; i < 100; i++) {
                http.send(RawHttp.post("{\"subject\":\"a\",\"id\":\"pipelined-" + i + "\"}"));
            }
            http.send(utf8("NOT HTTP AT ALL\r\n\r\n"));
            for (int i = 0; i < 100; i++) {
                RawHttp.Answer answer = http.answer();
                assertThat(answer.status()).isEqualTo(202);
                assertThat(answer.body()).contains("\"pipelined-" + i + "\"");
            }
            assertThat(http.answer().status()).isIn(400, 505, 0);
        }
    }

    /** Row 98. */
    @Test
    void servesNewClientsBesideThousandsOfIdleOnes() throws Exception {
        List<RawHttp> idle = new ArrayList<>();
        try {
            for (int i = 0; i < 5_000; i++) {
                idle.add(new RawHttp(producer.port()));
            }
            assertThat(producer.post(GOOD).status()).isEqualTo(202);
        } finally {
            for (RawHttp http : idle) {
                http.close();
            }
        }
    }

    /** Row 100, over the wire. */
    @Test
    void storesThePayloadByteForByte() throws Exception {
        for (String payload : List.of(
                "12345678901234567890123456789.5", "-0", "1.0", "\"\\u00e9\\/\"", "{ \"z\" : 1,\n\"a\":[ ] }")) {
            RawHttp.Answer answer = producer.post("{\"subject\":\"a\", \"payload\" : " + payload + " }");
            assertThat(answer.status()).isEqualTo(202);
            byte[] stored = RunningProducer.message(
                            nats, RunningProducer.stream(nats).getStreamState().getLastSequence())
                    .getData();
            assertThat(stored).isEqualTo(utf8(payload));
        }
    }

    @Test
    void listsEveryViolationWithItsField() throws Exception {
        assertThat(producer.post("{\"subject\":\"a b\",\"id\":\"\",\"extra\":1}")
                        .body())
                .contains("\"field\":\"subject\"", "\"field\":\"id\"", "\"field\":\"extra\"");
    }

    private static byte[] padded(int length) {
        String head = "{\"subject\":\"a\",\"payload\":\"";
        return utf8(head + "x".repeat(length - head.length() - 2) + "\"}");
    }

    private static byte[] chunked(byte[] body) {
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        request.writeBytes(utf8("POST /api/event HTTP/1.1\r\n"
                + "Host: x\r\n"
                + "Content-Type: application/json\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n"));
        for (int i = 0; i < body.length; i += 10_000) {
            int size = Math.min(10_000, body.length - i);
            request.writeBytes(utf8(Integer.toHexString(size) + "\r\n"));
            request.write(body, i, size);
            request.writeBytes(utf8("\r\n"));
        }
        request.writeBytes(utf8("0\r\n\r\n"));
        return request.toByteArray();
    }
}
