package dev.saf.channel.nats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelContract;
import dev.saf.channel.RejectedEventException;
import dev.saf.channel.RemoteChannelContract;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.event.TraceContext;
import dev.saf.natsserver.NatsServer;
import io.nats.client.Connection;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.StreamConfiguration;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class NatsChannelIT implements RemoteChannelContract {

    private final List<AutoCloseable> opened = new ArrayList<>();

    /** What the server was given, in a stream or not. */
    private final List<Message> received = new CopyOnWriteArrayList<>();

    private NatsServer server;
    private Connection other;

    @BeforeEach
    void startServer() throws Exception {
        server = NatsServer.start();
        opened.add(server);
        other = Nats.connect(new Options.Builder()
                .server(server.url())
                .maxReconnects(-1)
                .reconnectWait(Duration.ofMillis(50))
                .build());
        opened.add(other);
        create("orders", "orders.>", -1);
        other.createDispatcher(received::add).subscribe("orders.>");
        other.flush(Duration.ofSeconds(5));
    }

    @AfterEach
    void close() throws Exception {
        server.thaw();
        for (AutoCloseable each : opened.reversed()) {
            each.close();
        }
    }

    @Override
    public String type() {
        return "nats";
    }

    @Override
    public Channel working() {
        return open(settings(server.url(), "orders.all", true, null));
    }

    @Override
    public Channel gone() {
        return open(settings("nats://127.0.0.1:1", "orders.all", true, null));
    }

    @Override
    public Channel silent() throws Exception {
        ServerSocket mute = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        opened.add(mute);
        return open(settings("nats://127.0.0.1:" + mute.getLocalPort(), "orders.all", true, null));
    }

    @Override
    public List<String> delivered() {
        return headers("ce-id");
    }

    @Override
    public List<String> traceparents() {
        return headers("traceparent");
    }

    private List<String> headers(String name) {
        return received.stream()
                .map(message -> String.valueOf(message.getHeaders().getFirst(name)))
                .toList();
    }

    @Override
    public List<Supplier<Channel>> refused() {
        String url = "nats://127.0.0.1:4222";
        return List.of(
                () -> open(new NatsSettings(null, null, null, null, null, null, null, null, null, null)),
                () -> open(new NatsSettings(List.of(), null, null, null, null, null, null, null, null, null)),
                () -> open(settings("nats://shop:secret@127.0.0.1:4222", null, null, null)),
                () -> open(settings("http://127.0.0.1", null, null, null)),
                () -> open(settings(url, "orders.*", null, null)),
                () -> open(settings(url, "orders..all", null, null)),
                () -> open(settings(url, "{{#x}}", null, null)),
                () -> open(settings(url, null, false, "orders")),
                () -> open(login(url, "/nowhere/at.all", null, null, null)),
                () -> open(login(url, null, "shop", null, null)),
                () -> open(login(url, null, null, "secret", null)),
                () -> open(login(url, null, "shop", "secret", "token")),
                () -> open(new NatsSettings(List.of(url), null, null, null, null, null, null, null, "unknown", null)),
                () -> open(
                        new NatsSettings(List.of(url), null, null, null, null, null, null, null, null, Duration.ZERO)));
    }

    @Test
    void publishesWhatAnotherSafUnderstands() throws Exception {
        create("events", "events.>", -1);
        open(settings(server.url(), null, null, "events")).deliver(ChannelContract.event("caf\u00e9 1"));
        Message stored = fetch("events");
        assertThat(stored.getSubject()).isEqualTo("events.orders.placed");
        assertThat(stored.getHeaders().getFirst("ce-id")).isEqualTo("caf%C3%A9%201");
        assertThat(stored.getHeaders().getFirst("ce-source")).isEqualTo("shop");
        assertThat(stored.getHeaders().getFirst("content-type")).isEqualTo("application/json");
        assertThat(stored.getHeaders().getFirst("Nats-Msg-Id")).isEqualTo("shop/caf%C3%A9%201");
        assertThat(stored.getData()).asString(StandardCharsets.UTF_8).isEqualTo("{\"order\":1}");
    }

    private Message fetch(String stream) throws Exception {
        return Objects.requireNonNull(other.getStreamContext(stream)
                .createOrUpdateConsumer(ConsumerConfiguration.builder().build())
                .next(Duration.ofSeconds(5)));
    }

    @Test
    void isStoredOnceHoweverOftenAnEventComes() throws Exception {
        Channel channel = working();
        for (int i = 0; i < 3; i++) {
            channel.deliver(ChannelContract.event("same"));
        }
        assertThat(messages("orders")).isOne();
    }

    @Test
    void publishesToWhoeverListensWithoutJetStream() throws Exception {
        List<Message> heard = new CopyOnWriteArrayList<>();
        other.createDispatcher(heard::add).subscribe("news.>");
        other.flush(Duration.ofSeconds(5));
        open(settings(server.url(), "news.{{subject}}", false, null)).deliver(ChannelContract.event("1"));
        await().untilAsserted(() -> assertThat(heard).hasSize(1));
        assertThat(heard.getFirst().getSubject()).isEqualTo("news.orders.placed");
    }

    @Test
    void leavesOutATraceThatNoHeaderCanCarry() throws Exception {
        working()
                .deliver(ChannelContract.event("1")
                        .withTrace(new TraceContext(TRACE.traceparent(), "a=b\r\nevil: header")));
        await().untilAsserted(() -> assertThat(traceparents()).containsExactly(TRACE.traceparent()));
        assertThat(headers("tracestate")).containsExactly("null");
    }

    @Test
    void failsWhereNoStreamHasTheSubject() {
        assertThatThrownBy(() ->
                        open(settings(server.url(), "nothing.here", true, null)).deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no stream");
        assertThatThrownBy(() -> open(settings(server.url(), "nothing.{{id}}", true, null))
                        .deliver(ChannelContract.event("1")))
                .as("another event may have a stream")
                .isNotInstanceOf(IOException.class)
                .isNotInstanceOf(RejectedEventException.class);
        assertThatThrownBy(() -> open(settings(server.url(), "orders.all", true, "others"))
                        .deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class);
        assertThat(messages("orders")).isZero();
    }

    @Test
    void failsOnAFullStream() throws Exception {
        create("small", "small.>", 1);
        Channel channel = open(settings(server.url(), "small.all", true, null));
        channel.deliver(ChannelContract.event("1"));
        assertThatThrownBy(() -> channel.deliver(ChannelContract.event("2")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("maximum messages");
    }

    @Test
    void rejectsWhatIsTooLargeOrHasNoSubject() throws Exception {
        Event large = new Event(
                "a",
                "1",
                "shop",
                "a",
                null,
                Payload.of(new byte[2_000_000], "application/octet-stream"),
                Map.of(),
                null);
        assertThatThrownBy(() -> working().deliver(large)).isInstanceOf(RejectedEventException.class);
        other.jetStreamManagement()
                .addStream(StreamConfiguration.builder()
                        .name("tiny")
                        .subjects("tiny.>")
                        .maximumMessageSize(400)
                        .build());
        Event largeForTiny = new Event(
                "a", "1", "shop", "a", null, Payload.of(new byte[1_000], "application/octet-stream"), Map.of(), null);
        assertThatThrownBy(() ->
                        open(settings(server.url(), "tiny.all", true, null)).deliver(largeForTiny))
                .isInstanceOf(RejectedEventException.class);
        for (String id : List.of("a b", "*", ">", "a..b", "\u00fc")) {
            assertThatThrownBy(() -> open(settings(server.url(), "orders.{{id}}", true, null))
                            .deliver(ChannelContract.event(id)))
                    .as(id)
                    .isInstanceOf(RejectedEventException.class);
        }
    }

    @Test
    void failsUntilItsPasswordIsRight() throws Exception {
        String users = "authorization { users = [ {user: shop, password: \"%s\"} ] }";
        try (NatsServer closed =
                NatsServer.builder().config(users.formatted("t0psecret")).start()) {
            Channel wrong = open(login(closed.url(), null, "shop", "wr0ng", null));
            assertThatThrownBy(() -> wrong.deliver(ChannelContract.event("1")))
                    .isInstanceOf(IOException.class)
                    .hasMessageMatching("(?is).*authorization violation.*")
                    .hasMessageNotContaining("wr0ng");
            closed.restartWith(users.formatted("wr0ng"));
            assertThatThrownBy(() -> wrong.deliver(ChannelContract.event("1")))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("no stream");
        }
    }

    @Test
    void losesNothingWhenTheServerDies() throws Exception {
        Channel channel = working();
        List<String> ids = IntStream.range(0, 300).mapToObj(i -> "event-" + i).toList();
        AtomicInteger done = new AtomicInteger();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Integer>> deliveries = new ArrayList<>();
            for (String id : ids) {
                deliveries.add(threads.submit(() -> untilDelivered(channel, ChannelContract.event(id), done)));
            }
            await().until(() -> done.get() > 0);
            server.kill();
            assertThatThrownBy(() -> channel.deliver(ChannelContract.event("down")))
                    .isInstanceOf(IOException.class);
            server.restart();
            for (Future<Integer> delivery : deliveries) {
                delivery.get();
            }
        }
        assertThat(messages("orders")).isGreaterThanOrEqualTo(300);
    }

    private static int untilDelivered(Channel channel, Event event, AtomicInteger done) throws Exception {
        long end = System.nanoTime() + Duration.ofMinutes(1).toNanos();
        while (true) {
            try {
                channel.deliver(event);
                return done.incrementAndGet();
            } catch (IOException e) {
                if (System.nanoTime() > end) {
                    throw e;
                }
                LockSupport.parkNanos(1_000_000);
            }
        }
    }

    @Test
    void givesUpOnAFrozenServer() throws Exception {
        Channel channel = working();
        channel.deliver(ChannelContract.event("1"));
        server.freeze();
        AtomicReference<@Nullable Throwable> ended = new AtomicReference<>();
        Thread delivery = Thread.ofVirtual().start(() -> {
            try {
                channel.deliver(ChannelContract.event("2"));
            } catch (Exception e) {
                ended.set(e);
            }
        });
        await().until(() ->
                delivery.getState() == Thread.State.WAITING || delivery.getState() == Thread.State.TIMED_WAITING);
        delivery.interrupt();
        assertThat(delivery.join(Duration.ofSeconds(5))).isTrue();
        assertThat(ended.get()).isInstanceOf(Exception.class).isNotInstanceOf(RejectedEventException.class);
        server.thaw();
        untilDelivered(channel, ChannelContract.event("3"), new AtomicInteger());
        await().untilAsserted(() -> assertThat(delivered()).startsWith("1").contains("3"));
    }

    @Test
    void leavesNoThreadBehind() throws Exception {
        Channel channel = working();
        channel.deliver(ChannelContract.event("1"));
        assertThat(threads()).isNotEmpty();
        channel.close();
        await().untilAsserted(() -> assertThat(threads()).isEmpty());
    }

    private static List<String> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith("saf-partner"))
                .toList();
    }

    private void create(String name, String subjects, long maxMessages) throws Exception {
        other.jetStreamManagement()
                .addStream(StreamConfiguration.builder()
                        .name(name)
                        .subjects(subjects)
                        .maxMessages(maxMessages)
                        .discardPolicy(DiscardPolicy.New)
                        .build());
    }

    private long messages(String stream) {
        try {
            return other.jetStreamManagement()
                    .getStreamInfo(stream)
                    .getStreamState()
                    .getMsgCount();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private static NatsSettings settings(
            String url, @Nullable String subject, @Nullable Boolean jetstream, @Nullable String stream) {
        return new NatsSettings(List.of(url), subject, jetstream, stream, null, null, null, null, null, null);
    }

    private static NatsSettings login(
            String url,
            @Nullable String credentials,
            @Nullable String user,
            @Nullable String password,
            @Nullable String token) {
        return new NatsSettings(List.of(url), "orders.all", null, null, credentials, user, password, token, null, null);
    }

    private Channel open(NatsSettings settings) {
        Channel channel = new NatsChannelFactory().open("partner", settings, bundle -> {
            throw new IllegalArgumentException("ssl-bundle: there is no " + bundle);
        });
        opened.add(channel);
        return channel;
    }
}
