package dev.saf.channel.amqp;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelFactory;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** Makes channels of type {@code amqp}. */
public final class AmqpChannelFactory implements ChannelFactory<AmqpSettings> {

    @Override
    public String type() {
        return "amqp";
    }

    @Override
    public String description() {
        return "An exchange of RabbitMQ (AMQP 0-9-1), as a persistent message with the CloudEvent in its headers";
    }

    @Override
    public Class<AmqpSettings> settings() {
        return AmqpSettings.class;
    }

    @Override
    public Channel open(String name, AmqpSettings settings, Function<String, SSLContext> sslContexts) {
        @Nullable String bundle = settings.sslBundle();
        @Nullable SSLContext tls = bundle == null ? null : sslContexts.apply(bundle);
        return new AmqpChannel(settings, new Broker(name, settings, tls));
    }
}
