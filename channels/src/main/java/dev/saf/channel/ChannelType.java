package dev.saf.channel;

import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.stream.Stream;

/**
 * What a type of channel says of itself.
 *
 * @param name the value of {@code saf.channels.<name>.type}
 * @param description one phrase without a full stop
 * @param settings what is configured below {@code saf.channels.<name>}, beside what all channels have in common
 */
public record ChannelType(String name, String description, List<Described> settings) {

    /** How a setting is written. */
    public enum Form {
        TEXT,
        WHOLE_NUMBER,
        NUMBER,
        /** {@code true} or {@code false}. */
        FLAG,
        /** A number with a unit, such as {@code 5s}. */
        DURATION,
        /** One of some words. */
        CHOICE,
        LIST,
        /** Names with a text each. */
        MAP
    }

    /**
     * One setting.
     *
     * @param name below {@code saf.channels.<name>}, in kebab case
     * @param description one phrase without a full stop
     * @param choices of a {@link Form#CHOICE}, as they are written; else empty
     * @param byDefault as it would be configured; empty if nothing holds
     * @param required whether nothing works without it
     * @param secret whether its value must never be shown
     */
    public record Described(
            String name,
            Form form,
            List<String> choices,
            String description,
            String byDefault,
            boolean required,
            boolean secret) {}

    /** All on the class path, in the order of their names. */
    public static List<ChannelType> all() {
        List<ChannelType> all = new ArrayList<>();
        for (ChannelFactory<?> factory : ServiceLoader.load(ChannelFactory.class)) {
            all.add(of(factory));
        }
        all.sort(Comparator.comparing(ChannelType::name));
        return all;
    }

    /** Reads it off a factory and its record of settings. Of one without a {@link Setting} only its form is known. */
    public static ChannelType of(ChannelFactory<?> factory) {
        return new ChannelType(
                factory.type(),
                factory.description(),
                settings("", factory.settings()).toList());
    }

    private static Stream<Described> settings(String prefix, Class<?> settings) {
        return Stream.of(settings.getRecordComponents()).flatMap(component -> {
            String name = prefix + kebab(component.getName());
            return component.getType().isRecord()
                    ? settings(name + ".", component.getType())
                    : Stream.of(describe(name, component));
        });
    }

    private static Described describe(String name, RecordComponent component) {
        Setting setting = component.getAnnotation(Setting.class);
        Form form = form(component.getType());
        List<String> choices = choices(component.getType());
        return setting == null
                ? new Described(name, form, choices, "", "", false, false)
                : new Described(
                        name,
                        form,
                        choices,
                        setting.value(),
                        setting.byDefault(),
                        setting.required(),
                        setting.secret());
    }

    private static Form form(Class<?> type) {
        if (type == Boolean.class || type == boolean.class) {
            return Form.FLAG;
        }
        if (type == Integer.class || type == int.class || type == Long.class || type == long.class) {
            return Form.WHOLE_NUMBER;
        }
        if (type == Double.class || type == double.class) {
            return Form.NUMBER;
        }
        if (type == Duration.class) {
            return Form.DURATION;
        }
        if (type.isEnum()) {
            return Form.CHOICE;
        }
        if (Collection.class.isAssignableFrom(type)) {
            return Form.LIST;
        }
        return Map.class.isAssignableFrom(type) ? Form.MAP : Form.TEXT;
    }

    private static List<String> choices(Class<?> type) {
        return !type.isEnum()
                ? List.of()
                : Stream.of(type.getEnumConstants())
                        .map(each ->
                                ((Enum<?>) each).name().toLowerCase(Locale.ROOT).replace('_', '-'))
                        .toList();
    }

    private static String kebab(String camel) {
        return camel.replaceAll("([a-z0-9])([A-Z])", "$1-$2").toLowerCase(Locale.ROOT);
    }
}
