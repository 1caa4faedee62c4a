package dev.saf.channel;

import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.MustacheException;
import dev.saf.event.Event;
import java.util.AbstractMap;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * A text with places for what an event says, in <a href="https://mustache.github.io/mustache.5.html">Mustache</a>:
 * {@code {{subject}}}, {@code {{id}}}, {@code {{source}}}, {@code {{type}}}, {@code {{time}}}, the name of any further
 * attribute, and {@code {{payload}}}: the parts of a JSON payload, such as {@code {{payload.customer.email}}}, or the
 * whole of one that is text. Nothing is escaped. What the event does not say is left out only inside of a section,
 * {@code {{#payload.name}}…{{/payload.name}}}.
 */
public final class Template {

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .build();
    private static final Mustache.Compiler COMPILER = Mustache.compiler().escapeHTML(false);

    private final String key;
    private final com.samskivert.mustache.Template template;

    private Template(String key, com.samskivert.mustache.Template template) {
        this.key = key;
        this.template = template;
    }

    /**
     * Reads a template.
     *
     * @param key the setting it comes from
     * @throws IllegalArgumentException as {@code key: what is wrong} if it cannot be read
     */
    public static Template of(String key, String text) {
        try {
            return new Template(key, COMPILER.compile(text));
        } catch (MustacheException e) {
            throw new IllegalArgumentException(key + ": is no template: " + e.getMessage());
        }
    }

    /**
     * The text for one event.
     *
     * @throws RejectedEventException if the event does not say what the template needs
     */
    public String fill(Event event) throws RejectedEventException {
        try {
            return template.execute(new Fields(event));
        } catch (MustacheException e) {
            throw new RejectedEventException("the event does not say what " + key + " needs: " + e.getMessage());
        }
    }

    private static final class Fields implements Mustache.CustomContext {

        private final Event event;
        private @Nullable Object payload;

        Fields(Event event) {
            this.event = event;
        }

        @Override
        public @Nullable Object get(String name) {
            return switch (name) {
                case "subject" -> event.subject();
                case "id" -> event.id();
                case "source" -> event.source();
                case "type" -> event.type();
                case "time" -> event.time();
                case "payload" -> payload();
                default -> attribute(name);
            };
        }

        private Object attribute(String name) {
            String value = event.attributes().get(name);
            return value == null ? com.samskivert.mustache.Template.NO_FETCHER_FOUND : value;
        }

        /** Parsed once, and only if it is asked for. */
        private Object payload() {
            Object parsed = payload;
            if (parsed == null) {
                parsed = parse();
                payload = parsed;
            }
            return parsed;
        }

        private Object parse() {
            String text = event.payload().utf8();
            try {
                Object parsed = JSON.readValue(text, Object.class);
                return parsed instanceof Map<?, ?> object ? new Whole(object, text) : text;
            } catch (JacksonException e) {
                return text;
            }
        }
    }

    /** A JSON object with its parts, which stays as it was sent where it is wanted whole. */
    private static final class Whole extends AbstractMap<Object, Object> {

        private final Map<?, ?> parts;
        private final String text;

        Whole(Map<?, ?> parts, String text) {
            this.parts = parts;
            this.text = text;
        }

        @Override
        public Set<Entry<Object, Object>> entrySet() {
            return Collections.<Object, Object>unmodifiableMap(parts).entrySet();
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** For whoever logs settings. */
    @Override
    public String toString() {
        return "a template for " + key;
    }
}
