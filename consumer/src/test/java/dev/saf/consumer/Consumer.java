package dev.saf.consumer;

import dev.saf.consumer.delivery.RunningChannel;
import dev.saf.consumer.delivery.RunningChannels;
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
import org.jspecify.annotations.Nullable;
import org.springframework.context.ConfigurableApplicationContext;

/** The whole service, running in this JVM. */
public final class Consumer implements AutoCloseable {

    private final ConfigurableApplicationContext context;

    private Consumer(ConfigurableApplicationContext context) {
        this.context = context;
    }

    /** Starts it with settings such as {@code saf.channels.log.type=log}. */
    public static Consumer start(String natsUrl, String... settings) {
        return new Consumer(ConsumerApplication.start(arguments(natsUrl, settings)));
    }

    public static Consumer start(NatsServer nats, String... settings) {
        return start(nats.url(), settings);
    }

    public static String[] arguments(String natsUrl, String... settings) {
        List<String> arguments = new ArrayList<>(
                List.of("--server.port=0", "--management.server.port=0", "--saf.nats.servers=" + natsUrl));
        for (String setting : settings) {
            arguments.add("--" + setting);
        }
        return arguments.toArray(String[]::new);
    }

    public <T> T bean(Class<T> type) {
        return context.getBean(type);
    }

    /** One channel at work. */
    public RunningChannel channel(String name) {
        return bean(RunningChannels.class).all().stream()
                .filter(each -> each.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    /** The value of a counter or gauge, or how much a timer has counted, of one channel. */
    public double metric(String name, String channel, String... tags) {
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

    /** The port of the API. */
    public int port() {
        return Integer.parseInt(context.getEnvironment().getRequiredProperty("local.server.port"));
    }

    /** The port of health and metrics. */
    public int managementPort() {
        return Integer.parseInt(context.getEnvironment().getRequiredProperty("local.management.port"));
    }

    /** GET of a path on the management port. */
    public HttpResponse<String> management(String path) {
        return send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + managementPort() + path)));
    }

    /** A request to the API, with a body in JSON if there is one. */
    public HttpResponse<String> api(String method, String path, @Nullable String body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path));
        if (body == null) {
            request.method(method, HttpRequest.BodyPublishers.noBody());
        } else {
            request.method(method, HttpRequest.BodyPublishers.ofString(body))
                    .header("Content-Type", "application/json");
        }
        return send(request);
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
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
