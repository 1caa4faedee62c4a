package dev.saf.channel.redis;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelFactory;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** Makes channels of type {@code redis}. */
public final class RedisChannelFactory implements ChannelFactory<RedisSettings> {

    @Override
    public String type() {
        return "redis";
    }

    @Override
    public String description() {
        return "A stream of Redis, by XADD";
    }

    @Override
    public Class<RedisSettings> settings() {
        return RedisSettings.class;
    }

    @Override
    public Channel open(String name, RedisSettings settings, Function<String, SSLContext> sslContexts) {
        @Nullable String bundle = settings.sslBundle();
        @Nullable SSLContext tls = bundle == null ? null : sslContexts.apply(bundle);
        return new RedisChannel(settings, Server.open(name, settings, tls));
    }
}
