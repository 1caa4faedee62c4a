package dev.saf.deployments.charts;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ChartReadmeTest {

    private static final Pattern ROW = Pattern.compile("(?m)^\\| `([A-Za-z.]+)` \\| (?:`([^|]*)`)? ?\\| (.+) \\|$");

    @ParameterizedTest
    @ValueSource(strings = {"saf-producer", "saf-consumer", "saf"})
    void listsEveryValueWithItsDefault(String chart) throws IOException {
        Path folder = Charts.FOLDER.resolve(chart);
        Map<String, String> told = new TreeMap<>();
        ROW.matcher(Files.readString(folder.resolve("README.md")))
                .results()
                .forEach(row -> told.put(row.group(1), row.group(2) == null ? "" : row.group(2)));
        Map<String, String> real = new TreeMap<>();
        collect("", Charts.load(folder.resolve("values.yaml")), told, real);
        assertThat(told).isEqualTo(real);
    }

    /** All but what the service itself checks. */
    @ParameterizedTest
    @ValueSource(strings = {"saf-producer", "saf-consumer"})
    void theSchemaKnowsEveryValueAndNoOther(String chart) throws IOException {
        Path folder = Charts.FOLDER.resolve(chart);
        JsonNode schema = Charts.load(folder.resolve("values.schema.json"));
        JsonNode values = Charts.load(folder.resolve("values.yaml"));
        assertThat(schema.get("properties").propertyNames()).containsAll(values.propertyNames());
        assertClosed("", schema);
    }

    private static void assertClosed(String path, JsonNode schema) {
        if (schema.has("properties") && !path.equals("/config")) {
            assertThat(schema.path("additionalProperties").booleanValue(true))
                    .as(path)
                    .isFalse();
        }
        for (String named : List.of("properties", "$defs")) {
            schema.path(named).properties().forEach(each -> assertClosed(path + "/" + each.getKey(), each.getValue()));
        }
        for (String nested : List.of("items", "additionalProperties")) {
            if (schema.path(nested).isObject()) {
                assertClosed(path + "/" + nested, schema.get(nested));
            }
        }
    }

    /** What is told as a whole, such as a map of labels, is compared as a whole. */
    private static void collect(String name, JsonNode value, Map<String, String> told, Map<String, String> values) {
        if (value.isObject() && !value.isEmpty() && !told.containsKey(name)) {
            value.properties()
                    .forEach(each -> collect(
                            name.isEmpty() ? each.getKey() : name + "." + each.getKey(),
                            each.getValue(),
                            told,
                            values));
        } else {
            values.put(name, text(value));
        }
    }

    private static String text(JsonNode value) {
        if (value.isNull()) {
            return "";
        }
        return value.isContainer()
                ? JsonMapper.builder()
                        .build()
                        .writeValueAsString(value)
                        .replace("\":", "\": ")
                        .replace(",", ", ")
                : value.asString();
    }
}
