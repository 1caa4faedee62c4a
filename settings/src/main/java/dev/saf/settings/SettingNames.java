package dev.saf.settings;

import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;

/** The names that a settings record gives rise to, as they are written in files and in the environment. */
final class SettingNames {

    /**
     * One property.
     *
     * @param name relative to the record's prefix, in kebab case: {@code retry.attempts}
     * @param open whether anything may stand below it, as below a list or a map
     * @param defaultValue as written, empty if there is none
     */
    record Leaf(String name, boolean open, String defaultValue) {

        boolean matches(String relativeName) {
            ConfigurationPropertyName known = ConfigurationPropertyName.of(name);
            ConfigurationPropertyName actual = ConfigurationPropertyName.adapt(relativeName, '.');
            return known.equals(actual) || (open && known.isAncestorOf(actual));
        }

        /** Spring reads both SAF_X_MAXBYTES and SAF_X_MAX_BYTES as {@code saf.x.max-bytes}. */
        boolean matchesVariable(String prefix, String variable) {
            String full = prefix + "." + name;
            return List.of(full.replace("-", ""), full.replace('-', '_')).stream()
                    .map(SettingNames::variable)
                    .anyMatch(known -> variable.equals(known) || (open && variable.startsWith(known + "_")));
        }
    }

    private SettingNames() {}

    static String variable(String property) {
        return property.replace('.', '_').toUpperCase(Locale.ROOT);
    }

    static List<Leaf> of(Class<?> settings) {
        List<Leaf> leaves = new ArrayList<>();
        collect(settings, "", leaves);
        return leaves;
    }

    private static void collect(Class<?> settings, String prefix, List<Leaf> leaves) {
        for (RecordComponent component : settings.getRecordComponents()) {
            String name = prefix + kebab(component.getName());
            Class<?> type = component.getType();
            if (type.isRecord()) {
                collect(type, name + ".", leaves);
            } else {
                leaves.add(new Leaf(
                        name,
                        Collection.class.isAssignableFrom(type) || Map.class.isAssignableFrom(type) || type.isArray(),
                        defaultValue(settings, component)));
            }
        }
    }

    private static String defaultValue(Class<?> settings, RecordComponent component) {
        RecordComponent[] components = settings.getRecordComponents();
        for (int i = 0; i < components.length; i++) {
            if (components[i].getName().equals(component.getName())) {
                DefaultValue value =
                        settings.getDeclaredConstructors()[0].getParameters()[i].getAnnotation(DefaultValue.class);
                return value == null ? "" : String.join(",", value.value());
            }
        }
        throw new IllegalArgumentException(component + " is not of " + settings);
    }

    static String kebab(String camel) {
        return camel.replaceAll("([a-z0-9])([A-Z])", "$1-$2").toLowerCase(Locale.ROOT);
    }
}
