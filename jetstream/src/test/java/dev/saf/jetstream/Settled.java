package dev.saf.jetstream;

import dev.saf.settings.Settings;
import java.util.HashMap;
import java.util.Map;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;

/** Settings records as they come out of configuration. */
final class Settled {

    private Settled() {}

    static NatsSettings nats(String... keysAndValues) {
        return settings("saf.nats.", keysAndValues).bind("saf.nats", NatsSettings.class);
    }

    static StreamsSettings streams(String... keysAndValues) {
        return settings("saf.streams.", keysAndValues).bind("saf.streams", StreamsSettings.class);
    }

    private static Settings settings(String prefix, String... keysAndValues) {
        Map<String, Object> properties = new HashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            properties.put(prefix + keysAndValues[i], keysAndValues[i + 1]);
        }
        StandardEnvironment environment = new StandardEnvironment();
        environment.getPropertySources().addFirst(new MapPropertySource("test", properties));
        return new Settings(environment);
    }
}
