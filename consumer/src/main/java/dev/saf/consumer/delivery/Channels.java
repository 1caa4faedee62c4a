package dev.saf.consumer.delivery;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelFactory;
import dev.saf.settings.InvalidSettingException;
import dev.saf.settings.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;

/** All channels below {@code saf.channels}. */
public final class Channels implements AutoCloseable {

    private static final String PREFIX = "saf.channels";
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,30}");

    private final List<ConfiguredChannel> all = new ArrayList<>();

    /**
     * Opens every channel that is configured, or none.
     *
     * @param sslContexts as for {@link ChannelFactory#open}
     * @throws InvalidSettingException if anything about a channel is wrong, or there is none
     */
    public Channels(Settings settings, Function<String, SSLContext> sslContexts) {
        SortedMap<String, ChannelFactory<?>> factories = new TreeMap<>();
        for (ChannelFactory<?> factory : ServiceLoader.load(ChannelFactory.class)) {
            factories.put(factory.type(), factory);
        }
        try {
            for (String name : new TreeSet<>(settings.namesBelow(PREFIX))) {
                all.add(open(name, settings, factories, sslContexts));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
        if (all.isEmpty()) {
            throw new InvalidSettingException(
                    PREFIX,
                    "has no channel, so no event would go anywhere; configure one, for example by the environment"
                            + " variable SAF_CHANNELS_LOG_TYPE=log (known types are " + factories.keySet() + ")");
        }
    }

    /** In the order of their names. */
    public List<ConfiguredChannel> all() {
        return List.copyOf(all);
    }

    /** Closes what has been opened so far. */
    @Override
    public void close() {
        all.forEach(each -> each.channel().close());
    }

    private static ConfiguredChannel open(
            String name,
            Settings settings,
            SortedMap<String, ChannelFactory<?>> factories,
            Function<String, SSLContext> sslContexts) {
        String prefix = PREFIX + "." + name;
        if (!NAME.matcher(name).matches() || name.endsWith("-due")) {
            throw new InvalidSettingException(
                    prefix,
                    "the name of a channel must be a letter and up to 30 of [a-z0-9-], and must not end with -due");
        }
        String configured = settings.text(prefix + ".type");
        String type = configured == null ? name : configured;
        ChannelFactory<?> factory = factories.get(type);
        if (factory == null) {
            throw new InvalidSettingException(
                    prefix + ".type", "'" + type + "' is unknown; known types are " + factories.keySet());
        }
        return open(name, prefix, settings, factory, sslContexts);
    }

    private static <S extends Record> ConfiguredChannel open(
            String name,
            String prefix,
            Settings settings,
            ChannelFactory<S> factory,
            Function<String, SSLContext> sslContexts) {
        ChannelSettings common = settings.bind(prefix, ChannelSettings.class, Intake.class, factory.settings());
        Intake intake = settings.bind(prefix, Intake.class, ChannelSettings.class, factory.settings());
        S own = settings.bind(prefix, factory.settings(), ChannelSettings.class, Intake.class);
        try {
            Channel channel = factory.open(name, own, sslContexts);
            return new ConfiguredChannel(name, common, intake, channel);
        } catch (IllegalArgumentException e) {
            String message = String.valueOf(e.getMessage());
            int colon = message.indexOf(": ");
            throw colon > 0
                    ? new InvalidSettingException(
                            prefix + "." + message.substring(0, colon), message.substring(colon + 2))
                    : new InvalidSettingException(prefix, message);
        }
    }
}
