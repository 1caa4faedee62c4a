package dev.saf.channel.jdbc;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelFactory;
import java.util.function.Function;
import javax.net.ssl.SSLContext;

/** Makes channels of type {@code jdbc}. */
public final class JdbcChannelFactory implements ChannelFactory<JdbcSettings> {

    @Override
    public String type() {
        return "jdbc";
    }

    @Override
    public String description() {
        return "A table of PostgreSQL, MariaDB or MySQL, by one statement of SQL per event";
    }

    @Override
    public Class<JdbcSettings> settings() {
        return JdbcSettings.class;
    }

    @Override
    public Channel open(String name, JdbcSettings settings, Function<String, SSLContext> sslContexts) {
        return new JdbcChannel(name, settings);
    }
}
