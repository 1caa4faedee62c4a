package dev.saf.channel.log;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelFactory;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.slf4j.LoggerFactory;

/** Makes channels of type {@code log}. */
public final class LogChannelFactory implements ChannelFactory<LogSettings> {

    @Override
    public String type() {
        return "log";
    }

    @Override
    public String description() {
        return "The log of the service itself, for a first look and for tests";
    }

    @Override
    public Class<LogSettings> settings() {
        return LogSettings.class;
    }

    /** Logs to the logger {@code dev.saf.channel.log.<name>}, so that channels can be told apart and silenced. */
    @Override
    public Channel open(String name, LogSettings settings, Function<String, SSLContext> sslContexts) {
        return new LogChannel(
                LoggerFactory.getLogger(LogChannel.class.getPackageName() + "." + name),
                Boolean.TRUE.equals(settings.payload()));
    }
}
