package dev.saf.settings;

import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.source.ConfigurationProperty;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.context.properties.source.ConfigurationPropertySource;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.context.properties.source.IterableConfigurationPropertySource;
import org.springframework.boot.env.ConfigTreePropertySource;
import org.springframework.boot.origin.Origin;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.PropertySource;
import org.springframework.util.unit.DataSize;

/** Collects settings with their values and origins. Nothing secret gets in. */
final class EffectiveSettings {

    private static final String DEFAULT = "default";
    private static final String NOT_SET = "not set";

    /** Spring Boot's own parts that matter to a service. The environment of a process has a lot more in it. */
    private static final List<String> OTHERS = List.of("logging", "management", "server", "spring");

    /** Where nobody sets anything: what Spring Boot adds, and what only holds for this run. */
    private static final Set<String> NOBODY = Set.of("applicationInfo", "defaultProperties", "logCorrelation");

    private final ConfigurableEnvironment environment;
    private final List<ConfigurationPropertySource> sources = new ArrayList<>();
    private final Secrets secrets;
    private final List<EffectiveSetting> all = new ArrayList<>();

    EffectiveSettings(ConfigurableEnvironment environment, Predicate<String> secret) {
        this.environment = environment;
        ConfigurationPropertySources.get(environment).forEach(sources::add);
        this.secrets = new Secrets(environment, secret);
    }

    /** Adds every property of a record. */
    void add(String prefix, Record settings) {
        for (RecordComponent component : settings.getClass().getRecordComponents()) {
            String name = prefix + "." + SettingNames.kebab(component.getName());
            Object value = value(settings, component);
            switch (value) {
                case Record nested -> add(name, nested);
                case Map<?, ?> map when !map.isEmpty() -> map.forEach((key, each) -> add(name + "." + key, text(each)));
                case null, default -> add(name, text(value));
            }
        }
    }

    /** Adds Spring Boot's own properties, those that are set. */
    void addOthers() {
        Set<ConfigurationPropertyName> names = new TreeSet<>();
        for (ConfigurationPropertySource source : sources) {
            if (source instanceof IterableConfigurationPropertySource iterable) {
                iterable.stream()
                        .filter(name -> OTHERS.contains(name.getElement(0, ConfigurationPropertyName.Form.UNIFORM)))
                        .forEach(names::add);
            }
        }
        for (ConfigurationPropertyName name : names) {
            ConfigurationProperty property = find(name);
            if (property != null) {
                add(name.toString(), environment.resolvePlaceholders(String.valueOf(property.getValue())));
            }
        }
    }

    List<EffectiveSetting> all() {
        return List.copyOf(all);
    }

    private void add(String name, String value) {
        ConfigurationProperty property = find(ConfigurationPropertyName.adapt(name, '.'));
        boolean secret = property != null && isFromSecretFile(property.getSource());
        all.add(new EffectiveSetting(
                name,
                value.equals(NOT_SET) ? value : secret ? Secrets.MASK : secrets.mask(name, value),
                origin(property)));
    }

    /** The property as the first source has it, or its first element if it is a list; null if nobody has set it. */
    private @Nullable ConfigurationProperty find(ConfigurationPropertyName name) {
        for (ConfigurationPropertySource source : sources) {
            for (ConfigurationPropertyName each : List.of(name, name.append("[0]"))) {
                ConfigurationProperty property = source.getConfigurationProperty(each);
                if (property != null && !NOBODY.contains(source(property))) {
                    return property;
                }
            }
        }
        return null;
    }

    private static boolean isFromSecretFile(@Nullable ConfigurationPropertySource source) {
        return source != null && source.getUnderlyingSource() instanceof ConfigTreePropertySource;
    }

    private static String origin(@Nullable ConfigurationProperty property) {
        if (property == null) {
            return DEFAULT;
        }
        Origin origin = property.getOrigin();
        if (origin != null) {
            return origin.toString();
        }
        return source(property);
    }

    private static String source(ConfigurationProperty property) {
        ConfigurationPropertySource source = property.getSource();
        return source != null && source.getUnderlyingSource() instanceof PropertySource<?> known ? known.getName() : "";
    }

    private static @Nullable Object value(Record settings, RecordComponent component) {
        try {
            // Records of settings need not be public.
            component.getAccessor().setAccessible(true);
            return component.getAccessor().invoke(settings);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(component + " cannot be read", e);
        }
    }

    private static String text(@Nullable Object value) {
        return switch (value) {
            case null -> NOT_SET;
            case Duration duration -> DurationText.of(duration);
            case DataSize size -> text(size);
            case Enum<?> constant -> SettingNames.kebab(constant.name()).replace('_', '-');
            case Collection<?> collection when collection.isEmpty() -> NOT_SET;
            case Collection<?> collection ->
                collection.stream().map(EffectiveSettings::text).collect(Collectors.joining(","));
            case Map<?, ?> _ -> NOT_SET;
            default -> value.toString();
        };
    }

    private static String text(DataSize size) {
        long bytes = size.toBytes();
        List<String> units = List.of("GB", "MB", "KB");
        for (int i = 0; i < units.size(); i++) {
            long unit = 1L << (30 - 10 * i);
            if (bytes > 0 && bytes % unit == 0) {
                return bytes / unit + units.get(i);
            }
        }
        return bytes + "B";
    }
}
