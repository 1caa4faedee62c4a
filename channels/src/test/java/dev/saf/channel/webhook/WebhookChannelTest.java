package dev.saf.channel.webhook;

import static dev.saf.channel.webhook.Destination.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelContract;
import dev.saf.channel.RejectedEventException;
import dev.saf.channel.RemoteChannelContract;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.event.TraceContext;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import javax.net.ServerSocketFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WebhookChannelTest implements RemoteChannelContract {

    private static final char[] PASSWORD = "changeit".toCharArray();

    private final List<AutoCloseable> opened = new ArrayList<>();
    private Destination destination = answering(204);

    @BeforeEach
    void closeAfterwards() {
        opened.add(destination);
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : opened) {
            each.close();
        }
    }

    @Override
    public String type() {
        return "webhook";
    }

    @Override
    public Channel working() {
        return open(destination.url());
    }

    @Override
    public Channel gone() throws Exception {
        // Nobody listens there, and nobody is given that port by chance.
        return open("http://127.0.0.1:1/");
    }

    @Override
    public Channel silent() throws Exception {
        return open(behaving((socket, out) -> {
                    Thread.sleep(Duration.ofMinutes(1));
                    return false;
                })
                .url());
    }

    @Override
    public List<String> delivered() {
        return destination.received.stream()
                .map(request -> request.headers().getOrDefault("ce-id", ""))
                .toList();
    }

    @Override
    public List<String> traceparents() {
        return destination.received.stream()
                .map(request -> request.headers().getOrDefault("traceparent", ""))
                .toList();
    }

    @Override
    public List<Supplier<Channel>> refused() {
        return List.of(
                () -> open(new WebhookSettings(null, null, null)),
                () -> open(" "),
                () -> open("ftp://example.org"),
                () -> open("example.org/events"),
                () -> open("http://"),
                () -> open("http:///events"),
                () -> open("http://host:99999/"),
                () -> open("http://ho st/"),
                () -> open("https://user:secret@example.org/"),
                () -> open("https://example.org/#part"),
                () -> open(new WebhookSettings("http://example.org/", Duration.ZERO, null)),
                () -> open(new WebhookSettings("http://example.org/", Duration.ofHours(1), null)),
                () -> open(new WebhookSettings("http://example.org/", null, "partner")),
                () -> open(new WebhookSettings("https://example.org/", null, "unknown")));
    }

    @Test
    void neverRepeatsASecretInARefusal() {
        assertThatThrownBy(() -> open("https://user:secret@example.org/"))
                .hasMessageStartingWith("url: must not have a user name or password")
                .hasMessageNotContaining("secret");
        assertThatThrownBy(() -> open("https://example.org/?token=secret value"))
                .hasMessageStartingWith("url: is no URL")
                .hasMessageNotContaining("secret");
    }

    @Test
    void postsTheEventInBinaryMode() throws Exception {
        working().deliver(ChannelContract.event("caf\u00e9 1"));
        Destination.Received request = destination.received.getFirst();
        assertThat(request.line()).isEqualTo("POST /events HTTP/1.1");
        assertThat(request.headers())
                .containsEntry("ce-specversion", "1.0")
                .containsEntry("ce-id", "caf%C3%A9%201")
                .containsEntry("ce-source", "shop")
                .containsEntry("ce-type", "orders.placed")
                .containsEntry("ce-time", "2026-01-02T03:04:05.006Z")
                .containsEntry("content-type", "application/json")
                .doesNotContainKey("upgrade");
        assertThat(request.body()).isEqualTo("{\"order\":1}");
    }

    @Test
    void leavesOutATraceThatNoHeaderCanCarry() throws Exception {
        working()
                .deliver(ChannelContract.event("1")
                        .withTrace(new TraceContext(TRACE.traceparent(), "a=b\r\nevil: header")));
        assertThat(destination.received.getFirst().headers())
                .containsEntry("traceparent", TRACE.traceparent())
                .doesNotContainKeys("tracestate", "evil");
    }

    @Test
    void keepsTheConnection() throws Exception {
        Destination talkative = behaving((socket, out) -> {
            write(out, "HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n" + "x".repeat(5000));
            return true;
        });
        Channel channel = open(talkative.url());
        for (int i = 0; i < 20; i++) {
            channel.deliver(ChannelContract.event("event-" + i));
        }
        assertThat(talkative.received).hasSize(20);
        assertThat(talkative.connections).hasValue(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 201, 202, 204, 299})
    void takesAnySuccessForDelivered(int status) throws Exception {
        open(answering(status).url()).deliver(ChannelContract.event("1"));
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 307, 308, 408, 429, 500, 502, 503, 504, 599})
    void triesAgainLater(int status) {
        assertThatThrownBy(() -> open(answering(status).url()).deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(" answered " + status);
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 451})
    void takesOtherRefusalsForFinal(int status) {
        assertThatThrownBy(() -> open(answering(status).url()).deliver(ChannelContract.event("1")))
                .isInstanceOf(RejectedEventException.class)
                .hasMessageContaining(" answered " + status);
    }

    @Test
    void neverFollowsARedirect() throws Exception {
        Destination redirecting = behaving((socket, out) -> {
            write(out, "HTTP/1.1 307 Elsewhere\r\nlocation: " + destination.url() + "\r\ncontent-length: 0\r\n\r\n");
            return true;
        });
        assertThatThrownBy(() -> open(redirecting.url()).deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class);
        assertThat(destination.received).isEmpty();
    }

    @Test
    void deliversEvenIfTheConnectionBreaksAfterTheStatus() throws Exception {
        open(behaving((socket, out) -> {
                            write(out, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly this");
                            Destination.reset(socket);
                            return false;
                        })
                        .url())
                .deliver(ChannelContract.event("1"));
    }

    @Test
    void doesNotReadAnEndlessAnswer() throws Exception {
        open(behaving((socket, out) -> {
                            write(out, "HTTP/1.1 200 OK\r\n\r\n");
                            byte[] chunk = new byte[64 * 1024];
                            while (true) {
                                out.write(chunk);
                            }
                        })
                        .url())
                .deliver(ChannelContract.event("1"));
    }

    @Test
    void doesNotWaitForASlowAnswer() throws Exception {
        Channel channel = open(behaving((socket, out) -> {
                    write(out, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
                    for (int i = 0; i < 1000; i++) {
                        Thread.sleep(100);
                        write(out, "x");
                    }
                    return true;
                })
                .url());
        long start = System.nanoTime();
        channel.deliver(ChannelContract.event("1"));
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
    }

    @Test
    void failsIfTheConnectionBreaksBeforeTheStatus() throws Exception {
        Channel channel = open(behaving((socket, out) -> {
                    Destination.reset(socket);
                    return false;
                })
                .url());
        assertThatThrownBy(() -> channel.deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("no answer from http://127.0.0.1:");
    }

    @Test
    void failsIfTheAnswerIsNoHttp() throws Exception {
        Channel channel = open(behaving((socket, out) -> {
                    write(out, "SSH-2.0-OpenSSH_9.2\r\n\r\n");
                    return false;
                })
                .url());
        assertThatThrownBy(() -> channel.deliver(ChannelContract.event("1"))).isInstanceOf(IOException.class);
    }

    @Test
    void saysWhyNobodyAnswered() {
        assertThatThrownBy(() -> gone().deliver(ChannelContract.event("1")))
                .hasMessageMatching("no answer from http://127\\.0\\.0\\.1:\\d+: .*(refused|Refused).*");
    }

    @Test
    void deliversOverTlsToWhomTheBundleTrusts(@TempDir Path folder) throws Exception {
        SSLContext tls = selfSigned(folder);
        Destination secure = Destination.overTls(tls.getServerSocketFactory(), (socket, out) -> {
            write(out, "HTTP/1.1 204 No Content\r\n\r\n");
            return true;
        });
        opened.add(secure);
        String url = "https://localhost:" + secure.port() + "/";
        Channel trusting =
                new WebhookChannelFactory().open("partner", new WebhookSettings(url, null, "partner"), bundle -> tls);
        trusting.deliver(ChannelContract.event("1"));
        assertThat(secure.received).hasSize(1);
        assertThatThrownBy(() -> open(url).deliver(ChannelContract.event("2"))).isInstanceOf(IOException.class);
        assertThat(secure.received).hasSize(1);
    }

    @Test
    void isCheckedUpToTheRequestWithTls(@TempDir Path folder) throws Exception {
        SSLContext tls = selfSigned(folder);
        Destination secure = Destination.overTls(tls.getServerSocketFactory(), (socket, out) -> true);
        opened.add(secure);
        trusting(tls, "https://localhost:" + secure.port() + "/").check();
        assertThatThrownBy(() ->
                        open("https://localhost:" + secure.port() + "/token").check())
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("https://localhost:" + secure.port() + " cannot be reached: ")
                .hasMessageContaining("certification path")
                .hasMessageNotContaining("token");
        assertThatThrownBy(() -> trusting(tls, "https://127.0.0.1:" + secure.port() + "/")
                        .check())
                .hasMessageContaining("127.0.0.1");
        assertThat(secure.received).isEmpty();
    }

    @Test
    void isCheckedAlsoForWhetherItsCertificateIsTaken(@TempDir Path folder) throws Exception {
        SSLContext tls = selfSigned(folder);
        SSLContext nobody = SSLContext.getInstance("TLS");
        nobody.init(null, trust(folder), null);
        Destination mutual = Destination.overTls(asksForACertificate(tls), (socket, out) -> true);
        opened.add(mutual);
        String url = "https://localhost:" + mutual.port() + "/";
        trusting(tls, url).check();
        assertThatThrownBy(() -> trusting(nobody, url).check())
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("https://localhost:" + mutual.port() + " cannot be reached: ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://127.0.0.1:1/secret", "http://no-such-host.invalid/secret"})
    void saysInACheckWhatIsWrongAndNotTheSecretPath(String url) {
        assertThatThrownBy(() -> open(url).check())
                .hasMessageMatching("http://[^/ ]+ cannot be reached: (Connection refused|the host name is unknown)");
    }

    @Test
    void sendsNoPayloadAsAnEmptyBody() throws Exception {
        working().deliver(new Event("a", "1", "saf", "a", null, Payload.NONE, Map.of(), null));
        assertThat(destination.received.getFirst().headers()).containsEntry("content-length", "0");
    }

    private Channel trusting(SSLContext tls, String url) {
        Channel channel =
                new WebhookChannelFactory().open("partner", new WebhookSettings(url, null, "partner"), bundle -> tls);
        opened.add(channel);
        return channel;
    }

    private static ServerSocketFactory asksForACertificate(SSLContext tls) {
        return new ServerSocketFactory() {
            @Override
            public ServerSocket createServerSocket(int port) {
                throw new UnsupportedOperationException();
            }

            @Override
            public ServerSocket createServerSocket(int port, int backlog) {
                throw new UnsupportedOperationException();
            }

            @Override
            public ServerSocket createServerSocket(int port, int backlog, InetAddress address) throws IOException {
                SSLServerSocket socket =
                        (SSLServerSocket) tls.getServerSocketFactory().createServerSocket(port, backlog, address);
                socket.setNeedClientAuth(true);
                return socket;
            }
        };
    }

    private static SSLContext selfSigned(Path folder) throws Exception {
        Path file = folder.resolve("keys.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-keystore",
                        file.toString(),
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        "changeit",
                        "-alias",
                        "server",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=localhost",
                        "-ext",
                        "san=dns:localhost")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(keytool.waitFor()).isZero();
        KeyStore keys = keys(folder);
        KeyManagerFactory own = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        own.init(keys, PASSWORD);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(own.getKeyManagers(), trust(folder), null);
        return context;
    }

    private static KeyStore keys(Path folder) throws Exception {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(folder.resolve("keys.p12"))) {
            keys.load(in, PASSWORD);
        }
        return keys;
    }

    private static TrustManager[] trust(Path folder) throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, PASSWORD);
        trusted.setCertificateEntry("server", keys(folder).getCertificate("server"));
        TrustManagerFactory others = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        others.init(trusted);
        return others.getTrustManagers();
    }

    private Destination behaving(Destination.Behaviour behaviour) throws IOException {
        Destination other = Destination.that(behaviour);
        opened.add(other);
        return other;
    }

    private static Destination answering(int status) {
        try {
            return Destination.answering(status);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private Channel open(@Nullable String url) {
        return open(new WebhookSettings(url, null, null));
    }

    private Channel open(WebhookSettings settings) {
        Channel channel = new WebhookChannelFactory().open("hook", settings, bundle -> {
            throw new IllegalArgumentException("ssl-bundle: there is no SSL bundle '" + bundle + "'");
        });
        opened.add(channel);
        return channel;
    }
}
