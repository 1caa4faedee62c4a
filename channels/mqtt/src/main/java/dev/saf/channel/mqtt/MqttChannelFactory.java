package dev.saf.channel.mqtt;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelFactory;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** Makes channels of type {@code mqtt}. */
public final class MqttChannelFactory implements ChannelFactory<MqttSettings> {

    @Override
    public String type() {
        return "mqtt";
    }

    @Override
    public String description() {
        return "A topic of an MQTT broker, as a CloudEvent in binary mode (MQTT 5) or in JSON (MQTT 3.1.1)";
    }

    @Override
    public Class<MqttSettings> settings() {
        return MqttSettings.class;
    }

    @Override
    public Channel open(String name, MqttSettings settings, Function<String, SSLContext> sslContexts) {
        @Nullable String bundle = settings.sslBundle();
        @Nullable SSLContext tls = bundle == null ? null : sslContexts.apply(bundle);
        return new MqttChannel(new Messages(settings), new Brokers(name, settings, tls));
    }
}
