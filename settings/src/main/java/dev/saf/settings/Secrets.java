package dev.saf.settings;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.springframework.boot.env.ConfigTreePropertySource;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.PropertySource;

/**
 * Knows what must not be shown: what is called like a secret, what looks like one, and what comes from a folder of
 * secret files ({@code spring.config.import=configtree:…}). Of a URL only scheme, host and port are shown, for any
 * other part may be a secret.
 */
final class Secrets {

    static final String MASK = "***";

    /** In a name, in lower case and without dashes. */
    private static final Pattern CALLED = Pattern.compile(
            "password|passwd|passphrase|secret|token|credential|privatekey|apikey|accesskey|authorization|cookie|signature"
                + "|seed|(^|\\.)headers?(\\.|\\[|$)|^spring\\.application\\.json");

    /** These have the name of a file. */
    private static final Set<String> FILES = Set.of("saf.nats.credentials", "saf.nats.nkey");

    /** Private keys, and seeds of NKeys, whatever the property. */
    private static final Pattern LOOKS = Pattern.compile("-----BEGIN|\\bS[A-Z][A-Z2-7]{56}\\b");

    private static final Pattern SEVERAL = Pattern.compile(",(?=\\s*[A-Za-z][A-Za-z0-9+.-]*://)");
    private static final Pattern URL = Pattern.compile("(?s)(.*?[A-Za-z][A-Za-z0-9+.-]*://)([^/?#]*)(.*)");

    private static final Pattern WHOLE_URL = Pattern.compile("^[A-Za-z][A-Za-z0-9+.-]*://");

    /** A shorter value, such as {@code true}, would be found everywhere. */
    private static final int SHORTEST = 4;

    private final List<String> values = new ArrayList<>();

    private final Predicate<String> declared;

    /**
     * With the values of the secret files that an environment has.
     *
     * @param declared which properties are secret, whatever they are called
     */
    Secrets(ConfigurableEnvironment environment, Predicate<String> declared) {
        this.declared = declared;
        for (PropertySource<?> source : environment.getPropertySources()) {
            if (source instanceof ConfigTreePropertySource files) {
                for (String name : files.getPropertyNames()) {
                    String value = String.valueOf(files.getProperty(name)).strip();
                    if (value.length() >= SHORTEST) {
                        values.add(value);
                    }
                }
            }
        }
    }

    /** What may be shown of a property's value. */
    String mask(String name, String value) {
        String plain = name.toLowerCase(Locale.ROOT).replace("-", "").replace("_", "");
        if ((!FILES.contains(name) && CALLED.matcher(plain).find())
                || LOOKS.matcher(value).find()
                || values.stream().anyMatch(value::contains)) {
            return MASK;
        }
        if (declared.test(name) && !WHOLE_URL.matcher(value).find()) {
            return MASK;
        }
        return value.contains("://")
                ? Arrays.stream(SEVERAL.split(value)).map(Secrets::url).collect(Collectors.joining(","))
                : value;
    }

    private static String url(String text) {
        var url = URL.matcher(text);
        if (!url.matches()) {
            return text;
        }
        // A password may have any of the characters that end a host.
        if (text.indexOf('@', url.start(2)) >= 0) {
            return url.group(1) + MASK;
        }
        return url.group(1) + url.group(2) + (url.group(3).length() <= 1 ? url.group(3) : "/" + MASK);
    }
}
