package dev.saf.channel.exec;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelFactory;
import java.util.function.Function;
import javax.net.ssl.SSLContext;

/** Makes channels of type {@code exec}. */
public final class ExecChannelFactory implements ChannelFactory<ExecSettings> {

    @Override
    public String type() {
        return "exec";
    }

    @Override
    public String description() {
        return "A command that is run for each event, with the payload on its standard input";
    }

    @Override
    public Class<ExecSettings> settings() {
        return ExecSettings.class;
    }

    @Override
    public Channel open(String name, ExecSettings settings, Function<String, SSLContext> sslContexts) {
        return new ExecChannel(settings);
    }
}
