package dev.saf.channel.file;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelFactory;
import java.util.function.Function;
import javax.net.ssl.SSLContext;

/** Makes channels of type {@code file}. */
public final class FileChannelFactory implements ChannelFactory<FileSettings> {

    @Override
    public String type() {
        return "file";
    }

    @Override
    public String description() {
        return "A file on this machine, as one line of JSON per event (NDJSON)";
    }

    @Override
    public Class<FileSettings> settings() {
        return FileSettings.class;
    }

    @Override
    public Channel open(String name, FileSettings settings, Function<String, SSLContext> sslContexts) {
        return new FileChannel(name, settings);
    }
}
