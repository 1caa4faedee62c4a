package dev.saf.consumer;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelFactory;
import dev.saf.channel.Setting;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** Channels of type {@code scripted}, which do what a test says. */
public final class ScriptedChannelFactory implements ChannelFactory<ScriptedChannelFactory.Script> {

    private static final Map<String, Channel> SCRIPTS = new ConcurrentHashMap<>();

    /** Whatever a bad setting may be, and a secret one. */
    public record Script(
            @Nullable String mood,

            @Setting(value = "What nobody may see", secret = true) @Nullable
            String riddle) {

        /** Refuses a bad mood. */
        public Script {
            if ("bad".equals(mood)) {
                throw new IllegalArgumentException("mood: must not be bad");
            }
        }
    }

    public static void script(String name, Channel channel) {
        SCRIPTS.put(name, channel);
    }

    @Override
    public String type() {
        return "scripted";
    }

    @Override
    public String description() {
        return "What a test says";
    }

    @Override
    public Class<Script> settings() {
        return Script.class;
    }

    @Override
    public Channel open(String name, Script settings, Function<String, SSLContext> sslContexts) {
        if ("impossible".equals(settings.mood())) {
            throw new IllegalArgumentException("mood: 'impossible' cannot be had");
        }
        Channel script = SCRIPTS.get(name);
        return script == null ? event -> {} : script;
    }
}
