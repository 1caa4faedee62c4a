package dev.saf.channel.nats;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelFactory;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** Makes channels of type {@code nats}. */
public final class NatsChannelFactory implements ChannelFactory<NatsSettings> {

    @Override
    public String type() {
        return "nats";
    }

    @Override
    public String description() {
        return "A subject of another NATS, by JetStream or without";
    }

    @Override
    public Class<NatsSettings> settings() {
        return NatsSettings.class;
    }

    @Override
    public Channel open(String name, NatsSettings settings, Function<String, SSLContext> sslContexts) {
        @Nullable String bundle = settings.sslBundle();
        return new NatsChannel(name, settings, bundle == null ? null : sslContexts.apply(bundle));
    }
}
