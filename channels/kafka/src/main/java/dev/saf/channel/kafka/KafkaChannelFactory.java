package dev.saf.channel.kafka;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelFactory;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** Makes channels of type {@code kafka}. */
public final class KafkaChannelFactory implements ChannelFactory<KafkaSettings> {

    @Override
    public String type() {
        return "kafka";
    }

    @Override
    public String description() {
        return "A topic of Kafka, as a CloudEvent in binary mode, acknowledged by all in-sync replicas";
    }

    @Override
    public Class<KafkaSettings> settings() {
        return KafkaSettings.class;
    }

    @Override
    public Channel open(String name, KafkaSettings settings, Function<String, SSLContext> sslContexts) {
        @Nullable String bundle = settings.sslBundle();
        return new KafkaChannel(
                settings, ProducerProperties.of(name, settings, bundle == null ? null : sslContexts.apply(bundle)));
    }
}
