package dev.saf.settings;

import dev.saf.settings.SettingNames.Leaf;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedSet;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.PropertySourcesPlaceholdersResolver;
import org.springframework.boot.context.properties.source.ConfigurationProperty;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName.Form;
import org.springframework.boot.context.properties.source.ConfigurationPropertySource;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.context.properties.source.IterableConfigurationPropertySource;
import org.springframework.core.convert.ConversionFailedException;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.EnumerablePropertySource;
import org.springframework.core.env.PropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.util.unit.DataSize;

/**
 * Reads settings records from the environment, and refuses what does not belong: an unknown key, a value of the wrong
 * type, a value the record's own constructor will not have. Spring's binder alone ignores misspelt environment
 * variables.
 *
 * <p>A record refuses a value by throwing {@link IllegalArgumentException} from its constructor with a message of the
 * form {@code key: what is wrong and what is allowed}, where {@code key} is relative to the record's prefix.
 */
public final class Settings {

    /** The parts of Saf that can be configured; one saf.yml may hold them all, each service reads its own. */
    private static final List<String> PARTS =
            List.of("nats", "streams", "producer", "channels", "api", "upkeep", "check", "local");

    /** What Kubernetes puts into the environment of every pod for a service called, say, saf-producer. */
    private static final Pattern SERVICE_LINK = Pattern.compile(
            "SAF_.*_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)");

    /** Steers the tests, see CONTRIBUTING. */
    private static final String PEERS = "SAF_PEERS";

    /** With the value container, steers the tests too; as a setting it has no value of its own, only parts. */
    private static final ConfigurationPropertyName NATS = ConfigurationPropertyName.of("saf.nats");

    private static final String IN_CONTAINER = "container";

    private final ConfigurableEnvironment environment;
    private final Map<String, Map<Class<?>, Record>> bound = new ConcurrentSkipListMap<>();

    /**
     * Reads from an environment.
     *
     * @throws InvalidSettingException if there is a property {@code saf.x} of no known part x
     */
    public Settings(ConfigurableEnvironment environment) {
        this.environment = environment;
        ConfigurationPropertyName saf = ConfigurationPropertyName.of("saf");
        properties(saf)
                .filter(name ->
                        PARTS.stream().noneMatch(part -> saf.append(part).equals(name.chop(2))))
                .findFirst()
                .ifPresent(name -> {
                    throw new InvalidSettingException(name.toString(), "is unknown; saf has the parts " + PARTS);
                });
        variables("SAF_")
                .filter(name -> PARTS.stream().noneMatch(part -> name.startsWith(SettingNames.variable("saf." + part))))
                .findFirst()
                .ifPresent(name -> {
                    throw new InvalidSettingException(name, "is unknown; saf has the parts " + PARTS);
                });
    }

    /**
     * Binds the properties below a prefix to a record.
     *
     * @param others further records that read other properties below the same prefix
     * @throws InvalidSettingException if a property below the prefix belongs to none of the records, or its value is
     *     refused
     */
    public <R extends Record> R bind(String prefix, Class<R> type, Class<?>... others) {
        refuseUnknown(
                prefix,
                Stream.concat(Stream.of(type), Arrays.stream(others))
                        .flatMap(known -> SettingNames.of(known).stream())
                        .toList());
        try {
            R settings = binder().bindOrCreate(prefix, type);
            bound.computeIfAbsent(prefix, _ -> Collections.synchronizedMap(new LinkedHashMap<>()))
                    .put(type, settings);
            return settings;
        } catch (BindException e) {
            throw refusal(prefix, e);
        }
    }

    /** A single property as text, null if it is not configured. For what decides which record is to be bound. */
    public @Nullable String text(String property) {
        return Binder.get(environment).bind(property, String.class).orElse(null);
    }

    /**
     * The names that stand directly below a prefix, such as the channels below {@code saf.channels}, in the order of
     * their sources and as they were written (from an environment variable: in lower case).
     */
    public SequencedSet<String> namesBelow(String prefix) {
        ConfigurationPropertyName parent = ConfigurationPropertyName.of(prefix);
        int depth = parent.getNumberOfElements();
        // A name from a file, which may have dashes, stands for the variable that cannot have them.
        Map<String, String> names = new LinkedHashMap<>();
        Stream.concat(properties(parent), variableProperties(parent))
                .forEach(name ->
                        names.putIfAbsent(name.getElement(depth, Form.UNIFORM), name.getElement(depth, Form.ORIGINAL)));
        return new LinkedHashSet<>(names.values());
    }

    /**
     * All that has been bound so far, by prefix, and then what is set of Spring Boot's own, each with the value that
     * counts and where it came from. Secrets are not shown.
     *
     * @param secret which properties are secret besides those that are called so, or look so
     */
    public List<EffectiveSetting> effective(Predicate<String> secret) {
        EffectiveSettings effective = new EffectiveSettings(environment, secret);
        bound.forEach((prefix, records) -> records.values().forEach(record -> effective.add(prefix, record)));
        effective.addOthers();
        return effective.all();
    }

    /**
     * All properties of a record with their defaults (empty: none), by full name: what a configuration table must show.
     */
    public static Map<String, String> describe(String prefix, Class<? extends Record> type) {
        return SettingNames.of(type).stream()
                .collect(Collectors.toMap(
                        leaf -> prefix + "." + leaf.name(),
                        Leaf::defaultValue,
                        (first, second) -> first,
                        LinkedHashMap::new));
    }

    private Binder binder() {
        if (!IN_CONTAINER.equals(environment.getProperty(NATS.toString()))) {
            return Binder.get(environment);
        }
        List<ConfigurationPropertySource> sources = new ArrayList<>();
        for (ConfigurationPropertySource source : ConfigurationPropertySources.get(environment)) {
            sources.add(source.filter(name -> !name.equals(NATS)));
        }
        return new Binder(sources, new PropertySourcesPlaceholdersResolver(environment));
    }

    private void refuseUnknown(String prefix, List<Leaf> known) {
        ConfigurationPropertyName parent = ConfigurationPropertyName.of(prefix);
        String allowed = known.stream().map(Leaf::name).collect(Collectors.joining(", ", "[", "]"));
        properties(parent).forEach(name -> {
            String relative = name.subName(parent.getNumberOfElements()).toString();
            if (known.stream().noneMatch(leaf -> leaf.matches(relative))) {
                throw new InvalidSettingException(name.toString(), "is unknown; " + prefix + " has " + allowed);
            }
        });
        Stream.of(prefix.replace("-", ""), prefix.replace('-', '_'))
                .distinct()
                .flatMap(spelling -> variables(SettingNames.variable(spelling) + "_"))
                .forEach(variable -> {
                    if (known.stream().noneMatch(leaf -> leaf.matchesVariable(prefix, variable))) {
                        throw new InvalidSettingException(
                                variable,
                                "is unknown; " + prefix + " has " + allowed
                                        + ", here in capitals, with _ for . and no -");
                    }
                });
    }

    /** Properties strictly below a name, from everywhere but the process's environment variables. */
    private Stream<ConfigurationPropertyName> properties(ConfigurationPropertyName parent) {
        return below(parent, false);
    }

    private Stream<ConfigurationPropertyName> variableProperties(ConfigurationPropertyName parent) {
        return below(parent, true);
    }

    private Stream<ConfigurationPropertyName> below(ConfigurationPropertyName parent, boolean variables) {
        List<ConfigurationPropertyName> names = new ArrayList<>();
        for (PropertySource<?> source : environment.getPropertySources()) {
            if (isProcessEnvironment(source.getName()) != variables) {
                continue;
            }
            for (ConfigurationPropertySource mapped : ConfigurationPropertySources.from(source)) {
                if (mapped instanceof IterableConfigurationPropertySource iterable) {
                    iterable.stream()
                            .filter(parent::isAncestorOf)
                            .filter(name -> !variables || !isForeign(SettingNames.variable(name.toString())))
                            .forEach(names::add);
                }
            }
        }
        return names.stream();
    }

    private Stream<String> variables(String prefix) {
        return environment.getPropertySources().stream()
                .filter(source -> isProcessEnvironment(source.getName()))
                .filter(EnumerablePropertySource.class::isInstance)
                .flatMap(source -> Arrays.stream(((EnumerablePropertySource<?>) source).getPropertyNames()))
                .map(name -> name.toUpperCase(Locale.ROOT))
                .filter(name -> name.startsWith(prefix))
                .filter(name -> !isForeign(name));
    }

    private static boolean isForeign(String variable) {
        return variable.equals(PEERS) || SERVICE_LINK.matcher(variable).matches();
    }

    private static boolean isProcessEnvironment(@Nullable String sourceName) {
        return StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME.equals(sourceName);
    }

    private static InvalidSettingException refusal(String prefix, BindException e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof ConversionFailedException conversion) {
                ConfigurationProperty property = e.getProperty();
                String name = property == null
                        ? e.getName().toString()
                        : property.getName().toString();
                return new InvalidSettingException(
                        name,
                        "'%s' is not %s"
                                .formatted(
                                        conversion.getValue(),
                                        expectation(conversion.getTargetType().getType())));
            }
        }
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        String message = String.valueOf(root.getMessage());
        int colon = message.indexOf(": ");
        return colon > 0 && message.substring(0, colon).matches("[a-z0-9.-]+")
                ? new InvalidSettingException(
                        path(prefix, e, message.substring(0, colon)), message.substring(colon + 2))
                : new InvalidSettingException(e.getName().toString(), message);
    }

    /** The binder names the (possibly nested) record that refused; the record names its key. */
    private static String path(String prefix, BindException e, String key) {
        String refused = e.getName().toString();
        return (refused.startsWith(prefix) ? refused : prefix) + "." + key;
    }

    private static String expectation(Class<?> type) {
        if (type.isEnum()) {
            return "one of "
                    + Arrays.stream(type.getEnumConstants())
                            .map(constant -> ((Enum<?>) constant)
                                    .name()
                                    .toLowerCase(Locale.ROOT)
                                    .replace('_', '-'))
                            .toList();
        }
        if (type == Duration.class) {
            return "a duration, such as 500ms, 5s, 10m, 7d";
        }
        if (type == Instant.class) {
            return "a time, such as 2026-01-02T03:04:05Z";
        }
        if (type == DataSize.class) {
            return "a size, such as 512KB, 256MB, 1GB";
        }
        if (type == int.class || type == Integer.class || type == long.class || type == Long.class) {
            return "a whole number";
        }
        if (type == double.class || type == Double.class) {
            return "a number, such as 0.5 or 2";
        }
        if (type == boolean.class || type == Boolean.class) {
            return "true or false";
        }
        return "a " + type.getSimpleName();
    }
}
