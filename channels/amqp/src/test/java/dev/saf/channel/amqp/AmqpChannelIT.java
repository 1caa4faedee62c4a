package dev.saf.channel.amqp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import dev.saf.channel.Channel;
import dev.saf.channel.ChannelContract;
import dev.saf.channel.RejectedEventException;
import dev.saf.channel.RemoteChannelContract;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.natsserver.Ports;
import dev.saf.peers.Certificate;
import dev.saf.peers.Peer;
import dev.saf.peers.RabbitMq;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import javax.net.ssl.SSLContext;
import org.awaitility.core.ConditionFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One broker for all, since it takes seconds to start; each test has a queue of its own. */
class AmqpChannelIT implements RemoteChannelContract {

    private static final int TLS = Ports.free();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    static Path folder;

    @SuppressWarnings("NullAway.Init")
    private static Certificate certificate;

    @SuppressWarnings("NullAway.Init")
    private static Peer rabbit;

    private final String queue = "test-" + UUID.randomUUID();
    private final List<GetResponse> received = new ArrayList<>();
    private final List<AutoCloseable> opened = new ArrayList<>();

    @BeforeAll
    static void startBroker() throws Exception {
        certificate = Certificate.make(folder);
        Path chain = Files.writeString(folder.resolve("certificate.pem"), certificate.certificate());
        Path key = Files.writeString(folder.resolve("key.pem"), certificate.key());
        rabbit = RabbitMq.start(
                "listeners.ssl.1 = 127.0.0.1:" + TLS,
                "ssl_options.certfile = " + chain,
                "ssl_options.keyfile = " + key,
                "ssl_options.verify = verify_none",
                "ssl_options.fail_if_no_peer_cert = false");
    }

    @AfterAll
    static void stopBroker() {
        rabbit.close();
    }

    @AfterEach
    void close() throws Exception {
        // A test may have left it as it was.
        rabbit.resume();
        for (AutoCloseable each : opened.reversed()) {
            each.close();
        }
    }

    @Override
    public String type() {
        return "amqp";
    }

    @Override
    public Channel working() throws Exception {
        declareQueue(Map.of());
        return open(given());
    }

    @Override
    public Channel gone() {
        return open(given().urls("amqp://127.0.0.1:1"));
    }

    @Override
    public Channel silent() throws Exception {
        Channel channel = working();
        channel.deliver(ChannelContract.event("before"));
        rabbit.freeze();
        return channel;
    }

    @Override
    public List<String> delivered() {
        return headers("cloudEvents_id");
    }

    @Override
    public List<String> traceparents() {
        return headers("traceparent");
    }

    @Override
    public List<Supplier<Channel>> refused() {
        Given good = new Given("amqp://broker:5672", "", "{{subject}}");
        return List.of(
                () -> open(good.urls(new String[0])),
                () -> open(good.urls("http://broker")),
                () -> open(good.urls("broker:5672")),
                () -> open(good.urls("amqp://broker/vhost")),
                () -> open(good.urls("amqp://broker:99999")),
                () -> open(good.urls("amqp://us er@broker")),
                () -> open(good.urls("amqp://broker", "amqp://user:secret@broker")),
                () -> open(good.urls("amqp://broker", "amqps://broker")),
                () -> open(good.virtualHost(" ")),
                () -> open(good.as("saf", null)),
                () -> open(good.as(null, "secret")),
                () -> open(good.exchange("{{#id}}")),
                () -> open(good.routingKey("{{#id}}")),
                () -> open(good.trusting("own")),
                () -> open(good.urls("amqps://broker").trusting("unknown")));
    }

    @Test
    void publishesAPersistentMessageWithTheEventInItsHeaders() throws Exception {
        working().deliver(ChannelContract.event("caf\u00e9 1").withAttribute("tenant", "a"));
        GetResponse message = onlyMessage();
        assertThat(message.getEnvelope().getRoutingKey()).isEqualTo(queue);
        assertThat(message.getBody()).asString().isEqualTo("{\"order\":1}");
        assertThat(message.getProps().getDeliveryMode()).isEqualTo(2);
        assertThat(message.getProps().getContentType()).isEqualTo("application/json");
        assertThat(message.getProps().getMessageId()).isEqualTo("caf\u00e9 1");
        assertThat(message.getProps().getType()).isEqualTo("orders.placed");
        assertThat(headers(message))
                .containsEntry("cloudEvents_specversion", "1.0")
                .containsEntry("cloudEvents_id", "caf\u00e9 1")
                .containsEntry("cloudEvents_source", "shop")
                .containsEntry("cloudEvents_type", "orders.placed")
                .containsEntry("cloudEvents_time", "2026-01-02T03:04:05.006Z")
                .containsEntry("cloudEvents_tenant", "a");
    }

    @Test
    void routesByTemplates() throws Exception {
        declareQueue(Map.of());
        with(channel -> {
            channel.exchangeDeclare("topic-" + queue, "topic", true);
            channel.queueBind(queue, "topic-" + queue, "orders.*");
        });
        Channel channel = open(given().exchange("{{payload.kind}}-" + queue).routingKey("{{type}}"));
        Payload kind = Payload.of("{\"kind\":\"topic\"}".getBytes(StandardCharsets.UTF_8), "application/json");
        channel.deliver(new Event("orders.placed", "1", "saf", "orders.placed", null, kind, Map.of(), null));
        assertThat(onlyMessage().getEnvelope().getExchange()).isEqualTo("topic-" + queue);
    }

    @Test
    void rejectsWhatNoQueueTakes() throws Exception {
        Channel channel = working();
        assertThatThrownBy(() -> open(given().routingKey("nobody")).deliver(ChannelContract.event("1")))
                .isInstanceOf(RejectedEventException.class)
                .hasMessageContaining("no queue takes the routing key \"nobody\"")
                .hasMessageContaining("NO_ROUTE");
        channel.deliver(ChannelContract.event("2"));
        open(given().routingKey("nobody").optional()).deliver(ChannelContract.event("3"));
        await().untilAsserted(() -> assertThat(delivered()).containsExactly("2"));
    }

    @Test
    void rejectsOnlyTheEventThatNoQueueTakes() throws Exception {
        declareQueue(Map.of());
        Channel channel = open(given().routingKey("{{#tenant}}nobody{{/tenant}}{{^tenant}}" + queue + "{{/tenant}}"));
        Set<String> taken = ConcurrentHashMap.newKeySet();
        Set<String> rejected = ConcurrentHashMap.newKeySet();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 100; i++) {
                String id = String.valueOf(i);
                Event event = ChannelContract.event(id);
                Event each = i % 2 == 0 ? event : event.withAttribute("tenant", "a");
                var _ = threads.submit(() -> {
                    try {
                        channel.deliver(each);
                        taken.add(id);
                    } catch (RejectedEventException e) {
                        rejected.add(id);
                    }
                    return id;
                });
            }
        }
        assertThat(rejected).hasSize(50).allMatch(id -> Integer.parseInt(id) % 2 == 1);
        assertThat(taken).hasSize(50);
        assertThat(delivered()).containsExactlyInAnyOrderElementsOf(taken);
    }

    @Test
    void rejectsARoutingKeyThatAmqpHasNoRoomFor() {
        assertThatThrownBy(() -> open(given().routingKey("{{subject}}" + "x".repeat(255)))
                        .deliver(ChannelContract.event("1")))
                .isInstanceOf(RejectedEventException.class)
                .hasMessageContaining("routing-key of 268 bytes");
    }

    @Test
    void failsWhileTheExchangeIsMissingWithoutHarmToOthers() throws Exception {
        declareQueue(Map.of());
        Channel channel = open(given().exchange("{{#tenant}}missing-" + queue + "{{/tenant}}"));
        channel.deliver(ChannelContract.event("1"));
        Event lost = ChannelContract.event("2").withAttribute("tenant", "a");
        assertThatThrownBy(() -> channel.deliver(lost))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no exchange 'missing-" + queue + "'");
        channel.deliver(ChannelContract.event("3"));
        with(declaring -> {
            declaring.exchangeDeclare("missing-" + queue, "fanout", true);
            declaring.queueBind(queue, "missing-" + queue, "");
        });
        channel.deliver(lost);
        assertThat(delivered()).containsExactly("1", "3", "2");
    }

    @Test
    void failsIfTheQueueIsFull() throws Exception {
        declareQueue(Map.of("x-max-length", 1, "x-overflow", "reject-publish"));
        Channel channel = open(given());
        channel.deliver(ChannelContract.event("1"));
        assertThatThrownBy(() -> {
                    // RabbitMQ takes one or two more before it counts.
                    for (int i = 0; i < 10; i++) {
                        channel.deliver(ChannelContract.event("more"));
                    }
                })
                .isInstanceOf(IOException.class)
                .hasMessageContaining("queue may be full");
    }

    @Test
    void failsIfTheBrokerRefusesTheCredentials() {
        assertThatThrownBy(() -> open(given().as("saf", "wrong-secret")).deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("ACCESS_REFUSED")
                .hasMessageNotContaining("wrong-secret");
        assertThatThrownBy(() -> open(given().virtualHost("unknown")).deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("vhost unknown not found");
    }

    @Test
    void waitsForABrokerThatIsSlow() throws Exception {
        Channel channel = silent();
        CompletableFuture<Boolean> slow = delivering(channel, "slow");
        assertThat(slow).isNotDone();
        rabbit.resume();
        assertThat(slow.get()).isTrue();
        assertThat(delivered()).containsExactly("before", "slow");
    }

    @Test
    void losesNothingThatWasConfirmedWhenTheBrokerDies() throws Exception {
        Channel channel = working();
        channel.deliver(ChannelContract.event("before"));
        rabbit.freeze();
        CompletableFuture<Boolean> unconfirmed = delivering(channel, "cut off");
        assertThat(unconfirmed).isNotDone();
        rabbit.kill();
        assertThatThrownBy(unconfirmed::get)
                .isInstanceOf(ExecutionException.class)
                .rootCause()
                .isNotInstanceOf(RejectedEventException.class);
        assertThatThrownBy(() -> channel.deliver(ChannelContract.event("too early")))
                .isInstanceOf(IOException.class);
        rabbit.restart();
        channel.deliver(ChannelContract.event("after"));
        assertThat(delivered()).contains("before", "after");
    }

    @Test
    void deliversAllThroughARestart() throws Exception {
        Channel channel = working();
        List<String> ids = IntStream.range(0, 1000).mapToObj(String::valueOf).toList();
        Set<String> done = ConcurrentHashMap.newKeySet();
        try (ExecutorService threads =
                Executors.newFixedThreadPool(8, Thread.ofVirtual().factory())) {
            for (String id : ids) {
                var _ = threads.submit(() -> {
                    untilDone().until(() -> {
                        channel.deliver(ChannelContract.event(id));
                        return done.add(id);
                    });
                });
            }
            untilDone().until(() -> done.size() > 50);
            rabbit.restart();
        }
        assertThat(new HashSet<>(delivered())).containsExactlyInAnyOrderElementsOf(ids);
    }

    @Test
    void goesToTheNextNodeIfTheFirstIsGone() throws Exception {
        declareQueue(Map.of());
        open(given().urls("amqp://127.0.0.1:1", "amqp://127.0.0.1:" + rabbit.port()))
                .deliver(ChannelContract.event("1"));
        assertThat(delivered()).containsExactly("1");
    }

    @Test
    void deliversOverTlsToWhomTheBundleTrusts() throws Exception {
        declareQueue(Map.of());
        Given overTls = given().urls("amqps://localhost:" + TLS);
        SSLContext trusted = certificate.trusted();
        Channel trusting = opened(new AmqpChannelFactory()
                .open("partner", overTls.trusting("partner").settings(), bundle -> trusted));
        trusting.deliver(ChannelContract.event("1"));
        assertThatThrownBy(() -> open(overTls).deliver(ChannelContract.event("2")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("certif");
        assertThat(delivered()).containsExactly("1");
    }

    @Test
    void leavesNoThreadBehind() throws Exception {
        declareQueue(Map.of());
        Channel channel = new AmqpChannelFactory().open("leaving", given().settings(), AmqpChannelIT::unknown);
        channel.deliver(ChannelContract.event("1"));
        assertThat(threads()).isPositive();
        channel.close();
        await().until(() -> threads() == 0);
    }

    /** A broker takes its time to start. */
    private static ConditionFactory untilDone() {
        return await().atMost(Duration.ofMinutes(1))
                .pollDelay(Duration.ZERO)
                .pollInSameThread()
                .ignoreExceptions();
    }

    private static long threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("AMQP Connection 127.0.0.1:" + rabbit.port()))
                .count();
    }

    private GetResponse onlyMessage() {
        await().untilAsserted(() -> assertThat(delivered()).hasSize(1));
        return received.getFirst();
    }

    private List<String> headers(String name) {
        fetch();
        return received.stream()
                .map(message -> headers(message).getOrDefault(name, ""))
                .filter(value -> !value.isEmpty())
                .toList();
    }

    private static Map<String, String> headers(GetResponse message) {
        Map<String, String> headers = new HashMap<>();
        message.getProps().getHeaders().forEach((name, value) -> headers.put(name, String.valueOf(value)));
        return headers;
    }

    /** Moves what is in the queue to what was received. */
    private void fetch() {
        with(channel -> {
            for (GetResponse next = channel.basicGet(queue, true); next != null; next = channel.basicGet(queue, true)) {
                received.add(next);
            }
        });
    }

    private void declareQueue(Map<String, Object> arguments) {
        with(channel -> channel.queueDeclare(queue, true, false, false, arguments));
    }

    /** What a test does at the broker itself. */
    private interface Work {
        void on(com.rabbitmq.client.Channel channel) throws Exception;
    }

    private static void with(Work work) {
        ConnectionFactory factory = new ConnectionFactory();
        factory.setHost("127.0.0.1");
        factory.setPort(rabbit.port());
        factory.setUsername(RabbitMq.USER);
        factory.setPassword(RabbitMq.PASSWORD);
        try (Connection connection = factory.newConnection()) {
            work.on(Objects.requireNonNull(connection.createChannel()));
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /** Returns once the delivery waits for somebody else. */
    private static CompletableFuture<Boolean> delivering(Channel channel, String id) {
        CompletableFuture<Boolean> delivered = new CompletableFuture<>();
        Thread thread = Thread.ofVirtual().start(() -> {
            try {
                channel.deliver(ChannelContract.event(id));
                delivered.complete(true);
            } catch (Exception e) {
                delivered.completeExceptionally(new CompletionException(e));
            }
        });
        await().until(() -> delivered.isDone() || thread.getState() == Thread.State.WAITING);
        return delivered;
    }

    private Given given() {
        return new Given("amqp://127.0.0.1:" + rabbit.port(), "", queue);
    }

    private Channel open(Given given) {
        return opened(new AmqpChannelFactory().open("partner", given.settings(), AmqpChannelIT::unknown));
    }

    private static SSLContext unknown(@Nullable String bundle) {
        throw new IllegalArgumentException("ssl-bundle: there is no bundle '" + bundle + "'");
    }

    private <T extends AutoCloseable> T opened(T resource) {
        opened.add(resource);
        return resource;
    }
}
