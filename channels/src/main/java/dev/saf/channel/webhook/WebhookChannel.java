package dev.saf.channel.webhook;

import dev.saf.channel.Channel;
import dev.saf.channel.RejectedEventException;
import dev.saf.event.CloudEvents;
import dev.saf.event.Event;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/**
 * Posts each event as a CloudEvent in HTTP's binary mode. The answer's status alone decides: 2xx is delivered; 408,
 * 429, 5xx, a redirect (never followed) and anything odd is tried again; every other 4xx is a rejection. What the
 * answer says beyond its status is read only to keep the connection, and never for long.
 */
final class WebhookChannel implements Channel {

    private static final int MAX_ANSWER_BYTES = 64 * 1024;
    private static final Duration MAX_ANSWER_TIME = Duration.ofSeconds(1);
    private static final Duration MAX_CHECK_TIME = Duration.ofSeconds(10);
    private static final int OBJECTION_MILLIS = 250;

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

    /** Connects, with TLS if the URL has it, and sends no request: none would be harmless to every destination. */
    @Override
    public void check() throws IOException {
        boolean secure = "https".equalsIgnoreCase(target.getScheme());
        int port = target.getPort() > 0 ? target.getPort() : secure ? 443 : 80;
        int patience = (int) client.connectTimeout().orElse(MAX_CHECK_TIME).toMillis();
        try (Socket socket = new Socket(Proxy.NO_PROXY)) {
            if (proxy().address() instanceof InetSocketAddress between) {
                // What is behind it, only a request would tell.
                socket.connect(new InetSocketAddress(between.getHostString(), between.getPort()), patience);
                return;
            }
            socket.connect(new InetSocketAddress(target.getHost(), port), patience);
            if (secure) {
                socket.setSoTimeout(patience);
                shakeHands(socket, port);
            }
        } catch (IOException e) {
            throw new IOException(destination + " cannot be reached: " + reason(e), e);
        }
    }

    private Proxy proxy() {
        ProxySelector selector = ProxySelector.getDefault();
        List<Proxy> proxies = selector == null ? List.of() : selector.select(target);
        return proxies.isEmpty() ? Proxy.NO_PROXY : proxies.getFirst();
    }

    private void shakeHands(Socket socket, int port) throws IOException {
        try (SSLSocket tls =
                (SSLSocket) client.sslContext().getSocketFactory().createSocket(socket, target.getHost(), port, true)) {
            SSLParameters parameters = tls.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            tls.setSSLParameters(parameters);
            tls.startHandshake();
            tls.setSoTimeout(OBJECTION_MILLIS);
            try {
                var _ = tls.getInputStream().read();
            } catch (SocketTimeoutException e) {
                // It waits for a request. Whoever does not like our certificate would have said so now.
            }
        }
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
        if (e instanceof HttpConnectTimeoutException || e instanceof SocketTimeoutException) {
            return "connecting took too long";
        }
        Throwable cause = e;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        if (cause instanceof UnresolvedAddressException || cause instanceof UnknownHostException) {
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
