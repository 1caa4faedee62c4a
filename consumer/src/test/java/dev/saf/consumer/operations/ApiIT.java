package dev.saf.consumer.operations;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.saf.consumer.Consumer;
import java.io.IOException;
import java.net.ConnectException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What all operations have in common. Nobody listens where this looks for NATS. */
@TestInstance(Lifecycle.PER_CLASS)
class ApiIT {

    private static final String NOBODY = "nats://127.0.0.1:1";
    private static final String LOG = "saf.channels.log.type=log";

    private final Consumer consumer = Consumer.start(NOBODY, LOG);

    @AfterAll
    void close() {
        consumer.close();
    }

    @Test
    void describesItselfAsOpenApi() {
        HttpResponse<String> answer = consumer.api("GET", "/api/openapi.json", null);
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/json");
        JsonNode document = JsonMapper.shared().readTree(answer.body());
        assertThat(document.path("openapi").asString()).startsWith("3.");
        assertThat(document.at("/info/title").asString()).isEqualTo("Saf: operating the channels");
    }

    @Test
    void describesTheTypesOfChannelsAndTheirSettings() {
        HttpResponse<String> answer = consumer.api("GET", "/api/channel-types", null);
        assertThat(answer.statusCode()).isEqualTo(200);
        Map<String, JsonNode> types = new TreeMap<>();
        JsonMapper.shared()
                .readTree(answer.body())
                .path("items")
                .forEach(each -> types.put(each.path("type").asString(), each));
        assertThat(types).containsKeys("log", "webhook");
        JsonNode webhook = requireNonNull(types.get("webhook")).path("settings");
        assertThat(webhook.at("/required/0").asString()).isEqualTo("url");
        assertThat(webhook.at("/properties/url/writeOnly").asBoolean()).isTrue();
        assertThat(webhook.at("/properties/connect-timeout/default").asString()).isEqualTo("5s");
        assertThat(requireNonNull(types.get("log"))
                        .at("/settings/properties/payload/type")
                        .asString())
                .isEqualTo("boolean");
    }

    @Test
    void describesEveryOperationThatThereIsAndNoOther() {
        Set<String> mapped = new TreeSet<>();
        consumer.bean(RequestMappingHandlerMapping.class).getHandlerMethods().forEach((mapping, method) -> {
            if (method.getBeanType().getName().startsWith("dev.saf.")) {
                for (String path : mapping.getPatternValues()) {
                    mapping.getMethodsCondition().getMethods().forEach(each -> mapped.add(each + " " + path));
                }
            }
        });
        assertThat(mapped).contains("POST /api/channels/{channel}/pause", "DELETE /api/retries/{id}");
        assertThat(operations().keySet()).isEqualTo(mapped);
    }

    @Test
    void describesWhatEveryOperationTakesAndAnswers() {
        JsonNode schemas = document().at("/components/schemas");
        operations().forEach((name, operation) -> {
            assertThat(operation.path("summary").asString("")).as(name).matches(".+[.?]");
            assertThat(operation.path("tags").toString()).as(name).doesNotContain("controller");
            operation.path("parameters").forEach(parameter -> {
                if (parameter.path("in").asString().equals("query")) {
                    assertThat(parameter.path("description").asString(""))
                            .as(name + " " + parameter.path("name").asString())
                            .isNotEmpty();
                }
            });
            if (operation.has("requestBody")) {
                fields(schemas, operation.path("requestBody"))
                        .forEach(field -> assertThat(
                                        field.getValue().path("description").asString(""))
                                .as(name + " " + field.getKey())
                                .isNotEmpty());
            }
            operation.path("responses").properties().forEach(answer -> {
                assertThat(answer.getKey()).as(name).startsWith("2");
                assertThat(answer.getValue().path("description").asString(""))
                        .as(name)
                        .isNotEmpty();
                assertThat(answer.getValue().has("content"))
                        .as(name)
                        .isEqualTo(!answer.getKey().equals("204"));
                if (answer.getValue().has("content")) {
                    assertThat(fields(schemas, answer.getValue())).as(name).isNotEmpty();
                }
            });
        });
        schemas.forEach(schema ->
                assertThat(schema.path("properties").propertyNames()).allMatch(name -> name.matches("[a-z0-9_]+")));
    }

    /** The fields of a body that is JSON. */
    private static Set<Map.Entry<String, JsonNode>> fields(JsonNode schemas, JsonNode described) {
        assertThat(described.path("content").propertyNames()).containsExactly("application/json");
        String name = described
                .path("content")
                .path("application/json")
                .at("/schema/$ref")
                .asString("");
        assertThat(name).as(described.toString()).startsWith("#/components/schemas/");
        return schemas.path(name.substring(name.lastIndexOf('/') + 1))
                .path("properties")
                .properties();
    }

    private JsonNode document() {
        return JsonMapper.shared()
                .readTree(consumer.api("GET", "/api/openapi.json", null).body());
    }

    /** By method and path. */
    private Map<String, JsonNode> operations() {
        Map<String, JsonNode> operations = new TreeMap<>();
        document()
                .path("paths")
                .properties()
                .forEach(path -> path.getValue()
                        .properties()
                        .forEach(operation -> operations.put(
                                operation.getKey().toUpperCase(Locale.ROOT) + " " + path.getKey(),
                                operation.getValue())));
        return operations;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/",
                "/api",
                "/api/",
                "/api/nothing",
                "/api/openapi.json.yaml",
                "/api/openapi.json/",
                "/v3/api-docs",
                "/swagger-ui/index.html",
                "/error",
                "/actuator/health"
            })
    void answersWithAProblemWhereNothingIs(String path) {
        assertProblem(consumer.api("GET", path, null), 404, "not-found", "There is nothing here");
    }

    @Test
    void namesTheMethodsThatAreAllowed() {
        HttpResponse<String> answer = consumer.api("DELETE", "/api/openapi.json", null);
        JsonNode problem = assertProblem(answer, 405, "method", "The method is not allowed");
        assertThat(problem.path("detail").asString()).isEqualTo("Allowed here: GET.");
        assertThat(answer.headers().firstValue("Allow")).hasValue("GET");
    }

    @Test
    void refusesParametersItDoesNotKnow() {
        JsonNode problem = assertProblem(
                consumer.api("GET", "/api/openapi.json?chanel=billing", null),
                400,
                "invalid-request",
                "The request is not as it must be");
        assertThat(problem.path("detail").asString()).isEqualTo("chanel is unknown; no parameters are allowed here");
        assertThat(problem.path("errors").toString())
                .isEqualTo("[{\"field\":\"chanel\",\"detail\":\"is unknown; no parameters are allowed here\"}]");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        GET /api/openapi.json HTTP/1.1\\r\\nHost: a b\\r\\n\\r\\n | 400
        GET /\u0001 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n             | 400
        GET / HTTP/7.0\\r\\n\\r\\n                                 | 505
        """)
    void answersMalformedHttpWithAProblem(String request, int status) throws IOException {
        String answer = raw(request.replace("\\r\\n", "\r\n"));
        assertThat(answer)
                .startsWith("HTTP/1.1 " + status)
                .contains("Content-Type: application/problem+json")
                .contains("{\"type\":\"urn:saf:problem:invalid-request\"");
    }

    @Test
    void listensOnLoopbackOnly() throws Exception {
        assertThat(reaches(InetAddress.ofLiteral("127.0.0.1"), consumer.port())).isTrue();
        assertThat(reaches(outside(), consumer.port())).isFalse();
    }

    @Test
    void listensWhereItIsTold() throws Exception {
        try (Consumer open = Consumer.start(NOBODY, LOG, "saf.api.address=0.0.0.0")) {
            assertThat(reaches(InetAddress.ofLiteral("127.0.0.1"), open.port())).isTrue();
            assertThat(reaches(outside(), open.port())).isTrue();
        }
    }

    @Test
    void healthIsReachableFromOutside() throws Exception {
        assertThat(reaches(outside(), consumer.managementPort())).isTrue();
    }

    @Test
    void isNotOpenedByTheAddressOfOtherServices() {
        assertThatThrownBy(() ->
                        Consumer.start(NOBODY, LOG, "server.address=0.0.0.0").close())
                .rootCause()
                .hasMessage("server.address: does not count for the consumer, whose API listens at saf.api.address"
                        + " (127.0.0.1) only; leave it out, or set saf.api.address to the same");
        assertThatThrownBy(() ->
                        Consumer.start(NOBODY, LOG, "saf.api.address=no where").close())
                .rootCause()
                .hasMessageStartingWith("saf.api.address: 'no where' is not known; must be an address of this machine");
    }

    private static JsonNode assertProblem(HttpResponse<String> answer, int status, String kind, String title) {
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        JsonNode problem = JsonMapper.shared().readTree(answer.body());
        assertThat(problem.path("type").asString()).isEqualTo("urn:saf:problem:" + kind);
        assertThat(problem.path("title").asString()).isEqualTo(title);
        assertThat(problem.path("status").asInt()).isEqualTo(status);
        assertThat(problem.path("detail").asString()).isNotEmpty();
        return problem;
    }

    private String raw(String request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), consumer.port())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            socket.shutdownOutput();
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static boolean reaches(InetAddress address, int port) throws IOException {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(address, port), 2000);
            return true;
        } catch (ConnectException e) {
            return false;
        }
    }

    /** An address by which other machines reach this one; on one without a network, a second loopback address. */
    private static InetAddress outside() throws IOException {
        return NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(address -> address instanceof Inet4Address && !address.isLoopbackAddress())
                .findFirst()
                .orElse(InetAddress.ofLiteral("127.0.0.2"));
    }
}
