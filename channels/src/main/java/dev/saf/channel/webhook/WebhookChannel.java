package dev.saf.channel.webhook;

import dev.saf.channel.Channel;
import dev.saf.channel.RejectedEventException;
import dev.saf.event.CloudEvents;
import dev.saf.event.Event;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Posts each event as a CloudEvent in HTTP's binary mode. The answer's status alone decides: 2xx is delivered; 408,
 * 429, 5xx, a redirect (never followed) and anything odd is tried again; every other 4xx is a rejection. What the
 * answer says beyond its status is read only to keep the connection, and never for long.
 */
final class WebhookChannel implements Channel {

    private static final int MAX_ANSWER_BYTES = 64 * 1024;
    private static final Duration MAX_ANSWER_TIME = Duration.ofSeconds(1);

    private final HttpClient client;
    private final URI target;

    /** The target without its path and query, which may hold secrets. */
    private final String destination;

    WebhookChannel(HttpClient client, URI target) {
        this.client = client;
        this.target = target;
        this.destination = target.getScheme() + "://" + target.getRawAuthority();
    }

    @Override
    public void deliver(Event event) throws Exception {
        int status = post(event);
        if (status >= 200 && status < 300) {
            return;
        }
        String answer = destination + " answered " + status;
        if (status >= 400 && status < 500 && status != 408 && status != 429) {
            throw new RejectedEventException(answer);
        }
        throw new IOException(status >= 300 && status < 400 ? answer + ", redirects are not followed" : answer);
    }

    private int post(Event event) throws IOException, InterruptedException {
        AtomicInteger status = new AtomicInteger();
        try {
            client.send(request(event), answer -> {
                status.set(answer.statusCode());
                return new DiscardedAnswer(MAX_ANSWER_BYTES, MAX_ANSWER_TIME);
            });
        } catch (IOException e) {
            // A connection that breaks after the status takes nothing back.
            if (status.get() == 0) {
                throw new IOException("no answer from " + destination + ": " + reason(e), e);
            }
        }
        return status.get();
    }

    private HttpRequest request(Event event) {
        byte[] payload = event.payload().bytes();
        HttpRequest.Builder request = HttpRequest.newBuilder(target)
                .header("User-Agent", "saf")
                .POST(
                        payload.length == 0
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofByteArray(payload));
        CloudEvents.write(event, (name, value) -> {
            if (isHeaderValue(value)) {
                request.header(name, value);
            }
        });
        return request.build();
    }

    /** A foreign publisher's trace state may be anything: left out rather than in the way of the event. */
    private static boolean isHeaderValue(String value) {
        return value.chars().allMatch(c -> c == '\t' || (c >= ' ' && c <= '~'));
    }

    /** The client's exceptions often have no message of their own. */
    private static String reason(IOException e) {
        if (e instanceof HttpConnectTimeoutException) {
            return "connecting took too long";
        }
        Throwable cause = e;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        if (cause instanceof UnresolvedAddressException) {
            return "the host name is unknown";
        }
        if (e instanceof ConnectException && cause.getMessage() == null) {
            return "connection refused";
        }
        return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    }

    @Override
    public void close() {
        client.shutdownNow();
    }
}
