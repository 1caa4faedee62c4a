package dev.saf.consumer.operations;

import dev.saf.channel.ChannelType;
import dev.saf.channel.ChannelType.Described;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A type of channel, with a JSON Schema (2020-12) of its settings: each property is a key below
 * {@code saf.channels.<name>}.
 *
 * @param type the value of {@code saf.channels.<name>.type}
 * @param description where such a channel delivers
 */
record ChannelTypeItem(
        String type,
        String description,

        @Schema(description = "A JSON Schema; each property is a key below saf.channels.<name>")
        Map<String, Object> settings) {

    static ChannelTypeItem of(ChannelType type) {
        Map<String, Object> properties = new LinkedHashMap<>();
        type.settings().forEach(each -> properties.put(each.name(), property(each)));
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("$schema", "https://json-schema.org/draft/2020-12/schema");
        schema.put("type", "object");
        schema.put("properties", properties);
        List<String> required = type.settings().stream()
                .filter(Described::required)
                .map(Described::name)
                .toList();
        if (!required.isEmpty()) {
            schema.put("required", required);
        }
        return new ChannelTypeItem(type.name(), type.description(), schema);
    }

    private static Map<String, Object> property(Described setting) {
        Map<String, Object> property = new LinkedHashMap<>();
        switch (setting.form()) {
            case TEXT -> property.put("type", "string");
            case WHOLE_NUMBER -> property.put("type", "integer");
            case NUMBER -> property.put("type", "number");
            case FLAG -> property.put("type", "boolean");
            case DURATION -> {
                property.put("type", "string");
                property.put("pattern", "^[0-9]+(ns|us|ms|s|m|h|d)?$");
            }
            case CHOICE -> property.put("enum", setting.choices());
            case LIST -> {
                property.put("type", "array");
                property.put("items", Map.of("type", "string"));
            }
            case MAP -> {
                property.put("type", "object");
                property.put("additionalProperties", Map.of("type", "string"));
            }
        }
        property.put("description", setting.description());
        if (!setting.byDefault().isEmpty()) {
            property.put("default", setting.byDefault());
        }
        if (setting.secret()) {
            property.put("writeOnly", true);
        }
        return property;
    }
}
