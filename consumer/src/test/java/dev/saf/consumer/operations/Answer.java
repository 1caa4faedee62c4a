package dev.saf.consumer.operations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.consumer.Consumer;
import java.net.http.HttpResponse;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the API answers. */
record Answer(int status, JsonNode body, HttpResponse<String> http) {

    static Answer to(Consumer consumer, String method, String path) {
        return to(consumer, method, path, null);
    }

    static Answer to(Consumer consumer, String method, String path, @Nullable String body) {
        HttpResponse<String> http = consumer.api(method, path, body);
        return new Answer(
                http.statusCode(),
                http.body().isEmpty()
                        ? JsonMapper.shared().nullNode()
                        : JsonMapper.shared().readTree(http.body()),
                http);
    }

    /** The body of a success. */
    JsonNode ok(int expected) {
        assertThat(status).as(http.body()).isEqualTo(expected);
        return body;
    }

    /** The sentence of a problem. */
    String problem(int expected, String kind) {
        assertThat(status).as(http.body()).isEqualTo(expected);
        assertThat(http.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        assertThat(body.path("type").asString()).isEqualTo("urn:saf:problem:" + kind);
        assertThat(body.path("status").asInt()).isEqualTo(expected);
        return body.path("detail").asString();
    }
}
