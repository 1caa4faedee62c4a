package dev.saf.consumer;

import dev.saf.natsserver.NatsServer;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.search.Search;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import org.springframework.context.ConfigurableApplicationContext;

/** The whole service, running in this JVM. */
final class Consumer implements AutoCloseable {

    private final ConfigurableApplicationContext context;

    private Consumer(ConfigurableApplicationContext context) {
        this.context = context;
    }

    /** Starts it with settings such as {@code saf.channels.log.type=log}. */
    static Consumer start(String natsUrl, String... settings) {
        return new Consumer(ConsumerApplication.start(arguments(natsUrl, settings)));
    }

    static Consumer start(NatsServer nats, String... settings) {
        return start(nats.url(), settings);
    }

    static String[] arguments(String natsUrl, String... settings) {
        List<String> arguments = new ArrayList<>(
                List.of("--server.port=0", "--management.server.port=0", "--saf.nats.servers=" + natsUrl));
        for (String setting : settings) {
            arguments.add("--" + setting);
        }
        return arguments.toArray(String[]::new);
    }

    <T> T bean(Class<T> type) {
        return context.getBean(type);
    }

    Subscription subscription(String channel) {
        return bean(Subscriptions.class).all().stream()
                .filter(each -> each.name().equals(channel))
                .findFirst()
                .orElseThrow();
    }

    Subscription.State state(String channel) {
        return subscription(channel).condition().state();
    }

    /** The value of a counter or gauge, or how much a timer has counted, of one channel. */
    double metric(String name, String channel, String... tags) {
        var found = Search.in(bean(MeterRegistry.class))
                .name(name)
                .tag("channel", channel)
                .tags(tags)
                .meter();
        if (found == null) {
            throw new AssertionError("there is no meter " + name + " of channel " + channel);
        }
        return found.measure().iterator().next().getValue();
    }

    /** GET of a path on the management port. */
    HttpResponse<String> management(String path) {
        String port = context.getEnvironment().getProperty("local.management.port");
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        context.close();
    }
}
