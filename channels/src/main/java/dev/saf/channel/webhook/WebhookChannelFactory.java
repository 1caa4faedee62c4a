package dev.saf.channel.webhook;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelFactory;
import java.net.http.HttpClient;
import java.util.concurrent.Executors;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** Makes channels of type {@code webhook}. */
public final class WebhookChannelFactory implements ChannelFactory<WebhookSettings> {

    @Override
    public String type() {
        return "webhook";
    }

    @Override
    public String description() {
        return "An HTTP endpoint, as a CloudEvent in binary mode by POST";
    }

    @Override
    public Class<WebhookSettings> settings() {
        return WebhookSettings.class;
    }

    @Override
    public Channel open(String name, WebhookSettings settings, Function<String, SSLContext> sslContexts) {
        HttpClient.Builder client = HttpClient.newBuilder()
                // A HTTP/2 connection bounds concurrency where the consumer cannot see it; a redirect would lead
                // anywhere.
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(settings.connectTimeout())
                .executor(Executors.newThreadPerTaskExecutor(
                        Thread.ofVirtual().name("webhook-" + name + "-", 0).factory()));
        @Nullable String bundle = settings.sslBundle();
        if (bundle != null) {
            client.sslContext(sslContexts.apply(bundle));
        }
        return new WebhookChannel(client.build(), settings.target());
    }
}
