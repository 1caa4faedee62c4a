package dev.saf.channel.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelContract;
import dev.saf.channel.RejectedEventException;
import dev.saf.channel.RemoteChannelContract;
import dev.saf.channel.SelfSigned;
import dev.saf.channel.kafka.KafkaSettings.Protocol;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import javax.net.ssl.SSLContext;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class KafkaChannelIT implements RemoteChannelContract {

    /** So short that tests of failures are quick. */
    private static final Map<String, String> QUICK =
            Map.of("max.block.ms", "2000", "request.timeout.ms", "1500", "delivery.timeout.ms", "3000");

    private static final AtomicInteger TOPICS = new AtomicInteger();

    private static KafkaBroker broker;

    private final String topic = "events-" + TOPICS.incrementAndGet();
    private final List<AutoCloseable> opened = new ArrayList<>();

    @BeforeAll
    static void startBroker() throws Exception {
        broker = KafkaBroker.start();
    }

    @AfterAll
    static void stopBroker() {
        broker.peer().close();
    }

    @BeforeEach
    void createTopic() throws Exception {
        create(topic, Map.of());
    }

    @AfterEach
    void close() throws Exception {
        broker.peer().resume();
        for (AutoCloseable each : opened.reversed()) {
            each.close();
        }
    }

    @Override
    public String type() {
        return "kafka";
    }

    @Override
    public Channel working() {
        return open(broker.address(), topic);
    }

    @Override
    public Channel gone() {
        return open("127.0.0.1:1", topic);
    }

    @Override
    public Channel silent() throws Exception {
        ServerSocket mute = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        opened.add(mute);
        return open(settings("127.0.0.1:" + mute.getLocalPort(), topic, null, Map.of("max.block.ms", "60000")), null);
    }

    @Override
    public List<String> delivered() {
        return records(topic).stream().map(record -> header(record, "ce_id")).toList();
    }

    @Override
    public List<String> traceparents() {
        return records(topic).stream()
                .map(record -> header(record, "traceparent"))
                .toList();
    }

    @Override
    public List<Supplier<Channel>> refused() {
        return List.of(
                () -> refused(null, "orders", null, null, null, null, Map.of()),
                () -> refused(List.of(), "orders", null, null, null, null, Map.of()),
                () -> refused(List.of("no port"), "orders", null, null, null, null, Map.of()),
                () -> refused(List.of("kafka:9092"), null, null, null, null, null, Map.of()),
                () -> refused(List.of("kafka:9092"), "no topic", null, null, null, null, Map.of()),
                () -> refused(List.of("kafka:9092"), "{{#x}}", null, null, null, null, Map.of()),
                () -> refused(List.of("kafka:9092"), "orders", Protocol.PLAINTEXT, "bundle", null, null, Map.of()),
                () -> refused(List.of("kafka:9092"), "orders", Protocol.SSL, null, "shop", "secret", Map.of()),
                () -> refused(List.of("kafka:9092"), "orders", null, null, "shop", null, Map.of()),
                () -> refused(List.of("kafka:9092"), "orders", null, null, null, "secret", Map.of()),
                () -> refused(List.of("kafka:9092"), "orders", null, "unknown", null, null, Map.of()),
                () -> refused(List.of("kafka:9092"), "orders", null, null, null, null, Map.of("acks", "1")),
                () -> refused(List.of("kafka:9092"), "orders", null, null, null, null, Map.of("lnger.ms", "1")),
                () -> refused(List.of("kafka:9092"), "orders", null, null, null, null, Map.of("linger.ms", "x")));
    }

    private Channel refused(
            @Nullable List<String> servers,
            @Nullable String toTopic,
            @Nullable Protocol protocol,
            @Nullable String bundle,
            @Nullable String user,
            @Nullable String password,
            Map<String, String> properties) {
        return open(
                new KafkaSettings(servers, toTopic, null, protocol, bundle, null, user, password, properties), null);
    }

    @Test
    void producesACloudEventInBinaryMode() throws Exception {
        Event event = ChannelContract.event("caf\u00e9 1").withAttribute("partitionkey", "customer 7");
        working().deliver(event);
        ConsumerRecord<byte[], byte[]> record = records(topic).getFirst();
        Map<String, String> headers = new HashMap<>();
        for (Header header : record.headers()) {
            headers.put(header.key(), new String(header.value(), StandardCharsets.UTF_8));
        }
        assertThat(headers)
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "ce_specversion", "1.0",
                        "ce_id", "caf\u00e9 1",
                        "ce_source", "shop",
                        "ce_type", "orders.placed",
                        "ce_time", "2026-01-02T03:04:05.006Z",
                        "ce_partitionkey", "customer 7",
                        "content-type", "application/json",
                        "traceparent", TRACE.traceparent()));
        assertThat(record.key()).asString(StandardCharsets.UTF_8).isEqualTo("customer 7");
        assertThat(record.value()).asString(StandardCharsets.UTF_8).isEqualTo("{\"order\":1}");
    }

    @Test
    void hasNoKeyUnlessTheEventHasOne() throws Exception {
        working().deliver(ChannelContract.event("1"));
        assertThat(records(topic).getFirst().key()).isNull();
        open(settings(broker.address(), topic, "{{payload.order}}", Map.of()), null)
                .deliver(ChannelContract.event("2"));
        assertThat(records(topic).get(1).key()).asString(StandardCharsets.UTF_8).isEqualTo("1");
    }

    @Test
    void writesNoTombstone() throws Exception {
        working().deliver(new Event("a", "1", "saf", "a", null, Payload.NONE, Map.of(), null));
        assertThat(records(topic).getFirst().value()).isNotNull().isEmpty();
    }

    @Test
    void producesToTheTopicTheEventBelongsTo() throws Exception {
        create("orders.placed", Map.of());
        open(broker.address(), "{{subject}}").deliver(ChannelContract.event("1"));
        assertThat(records("orders.placed")).hasSize(1);
        assertThat(delivered()).isEmpty();
    }

    @Test
    void rejectsWhatIsTooLarge() throws Exception {
        assertThatThrownBy(() -> working().deliver(event("1", new byte[2_000_000])))
                .isInstanceOf(RejectedEventException.class)
                .hasMessageContaining("max.request.size");
        create(topic + "-small", Map.of("max.message.bytes", "1000"));
        Channel toSmall = open(broker.address(), topic + "-small");
        assertThatThrownBy(() -> toSmall.deliver(event("2", new byte[10_000])))
                .isInstanceOf(RejectedEventException.class);
        toSmall.deliver(ChannelContract.event("3"));
    }

    @Test
    void rejectsAnEventThatMakesNoTopic() {
        assertThatThrownBy(() -> open(broker.address(), "{{id}}").deliver(ChannelContract.event("no topic")))
                .isInstanceOf(RejectedEventException.class)
                .hasMessageContaining("no topic");
        assertThatThrownBy(() -> open(broker.address(), "{{payload.topic}}").deliver(ChannelContract.event("1")))
                .isInstanceOf(RejectedEventException.class)
                .hasMessageContaining("topic");
    }

    @Test
    void failsWhereThereIsNoTopic() throws Exception {
        assertThatThrownBy(() -> open(broker.address(), topic + "-missing").deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(topic + "-missing");
        Channel byId = open(broker.address(), "{{id}}");
        assertThatThrownBy(() -> byId.deliver(ChannelContract.event(topic + "-missing")))
                .as("that another event may have")
                .isNotInstanceOf(IOException.class)
                .isNotInstanceOf(RejectedEventException.class);
        create(topic + "-missing", Map.of());
        byId.deliver(ChannelContract.event(topic + "-missing"));
    }

    @Test
    void logsInOverTls() throws Exception {
        SSLContext tls = SelfSigned.in(broker.folder());
        open(secure(topic, KafkaBroker.PASSWORD), tls).deliver(ChannelContract.event("1"));
        assertThat(delivered()).containsExactly("1");
    }

    @Test
    void failsIfItsPasswordIsRefused() throws Exception {
        SSLContext tls = SelfSigned.in(broker.folder());
        assertThatThrownBy(() -> open(secure(topic, "wr0ng"), tls).deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("Authentication failed")
                .satisfies(e -> assertThat(stackTrace(e)).doesNotContain("wr0ng"));
    }

    @Test
    void failsIfTheBrokerIsNotTrusted() {
        KafkaSettings settings = new KafkaSettings(
                List.of(broker.secureAddress()),
                topic,
                null,
                Protocol.SASL_SSL,
                null,
                null,
                KafkaBroker.USER,
                KafkaBroker.PASSWORD,
                QUICK);
        assertThatThrownBy(() -> open(settings, null).deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class);
        assertThat(delivered()).isEmpty();
    }

    @Test
    void failsUntilTheTopicIsAllowed() throws Exception {
        SSLContext tls = SelfSigned.in(broker.folder());
        AclBinding denied = new AclBinding(
                new ResourcePattern(ResourceType.TOPIC, topic, PatternType.LITERAL),
                new AccessControlEntry("User:shop", "*", AclOperation.WRITE, AclPermissionType.DENY));
        try (Admin admin = admin()) {
            admin.createAcls(List.of(denied)).all().get();
            Channel toOne = open(secure(topic, KafkaBroker.PASSWORD), tls);
            Channel byId = open(secure("{{id}}", KafkaBroker.PASSWORD), tls);
            await().untilAsserted(() -> assertThatThrownBy(() -> toOne.deliver(ChannelContract.event("1")))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("uthorized"));
            assertThatThrownBy(() -> byId.deliver(ChannelContract.event(topic)))
                    .isNotInstanceOf(IOException.class)
                    .isNotInstanceOf(RejectedEventException.class);
            admin.deleteAcls(List.of(denied.toFilter())).all().get();
            await().ignoreExceptions().until(() -> {
                toOne.deliver(ChannelContract.event("2"));
                byId.deliver(ChannelContract.event(topic));
                return true;
            });
        }
        assertThat(delivered()).contains("2", topic);
    }

    @Test
    void opensWhereTheBrokerHasNoAddressYet() {
        Channel channel = open("nowhere.invalid:9092", topic);
        assertThatThrownBy(() -> channel.deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("nowhere.invalid");
    }

    @Test
    void losesNothingWhenTheBrokerDies() throws Exception {
        Channel channel = working();
        List<String> ids = IntStream.range(0, 300).mapToObj(i -> "event-" + i).toList();
        AtomicInteger done = new AtomicInteger();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Integer>> deliveries = new ArrayList<>();
            for (String id : ids) {
                deliveries.add(threads.submit(() -> until(() -> channel.deliver(ChannelContract.event(id)), done)));
            }
            await().until(() -> done.get() > 0);
            broker.peer().kill();
            assertThatThrownBy(() -> open(broker.address(), topic).deliver(ChannelContract.event("down")))
                    .isInstanceOf(IOException.class);
            broker.peer().restart();
            for (Future<Integer> delivery : deliveries) {
                delivery.get();
            }
        }
        assertThat(delivered()).containsAll(ids);
    }

    /** Something that a delivery does. */
    @FunctionalInterface
    private interface Attempt {
        void run() throws Exception;
    }

    private static int until(Attempt attempt, AtomicInteger done) throws Exception {
        for (int failures = 0; ; failures++) {
            try {
                attempt.run();
                return done.incrementAndGet();
            } catch (IOException e) {
                if (failures > 50) {
                    throw e;
                }
            }
        }
    }

    @Test
    void deliversNothingToAFrozenBroker() throws Exception {
        Channel channel = working();
        channel.deliver(ChannelContract.event("1"));
        broker.peer().freeze();
        assertThatThrownBy(() -> channel.deliver(ChannelContract.event("2")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(topic);
        AtomicReference<@Nullable Throwable> ended = new AtomicReference<>();
        Thread delivery = Thread.ofVirtual().start(() -> {
            try {
                channel.deliver(ChannelContract.event("3"));
            } catch (Exception e) {
                ended.set(e);
            }
        });
        await().until(() ->
                delivery.getState() == Thread.State.WAITING || delivery.getState() == Thread.State.TIMED_WAITING);
        delivery.interrupt();
        assertThat(delivery.join(Duration.ofSeconds(5))).isTrue();
        assertThat(ended.get()).isInstanceOf(InterruptedException.class);
        broker.peer().resume();
        await().ignoreExceptions().until(() -> {
            channel.deliver(ChannelContract.event("4"));
            return true;
        });
        assertThat(delivered()).startsWith("1").contains("4");
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
                .filter(name -> name.contains("saf-partner"))
                .toList();
    }

    private static String stackTrace(Throwable e) {
        StringBuilder text = new StringBuilder();
        for (Throwable each = e; each != null; each = each.getCause()) {
            text.append(each).append('\n');
        }
        return text.toString();
    }

    private static Event event(String id, byte[] payload) {
        return new Event("a", id, "shop", "a", null, Payload.of(payload, "application/octet-stream"), Map.of(), null);
    }

    private static Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", broker.address()));
    }

    private static void create(String name, Map<String, String> configuration) throws Exception {
        try (Admin admin = admin()) {
            admin.createTopics(List.of(new NewTopic(name, 1, (short) 1).configs(configuration)))
                    .all()
                    .get();
        }
    }

    private static List<ConsumerRecord<byte[], byte[]>> records(String name) {
        TopicPartition partition = new TopicPartition(name, 0);
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", broker.address()),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).getOrDefault(partition, 0L);
            while (consumer.position(partition) < end) {
                consumer.poll(Duration.ofMillis(100)).forEach(records::add);
            }
        }
        return records;
    }

    private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
        Header header = record.headers().lastHeader(name);
        return header == null ? "" : new String(header.value(), StandardCharsets.UTF_8);
    }

    private static KafkaSettings secure(String toTopic, String password) {
        return new KafkaSettings(
                List.of(broker.secureAddress()),
                toTopic,
                null,
                null,
                "bundle",
                null,
                KafkaBroker.USER,
                password,
                QUICK);
    }

    private static KafkaSettings settings(
            String address, String toTopic, @Nullable String key, Map<String, String> more) {
        Map<String, String> properties = new HashMap<>(QUICK);
        properties.putAll(more);
        return new KafkaSettings(List.of(address), toTopic, key, null, null, null, null, null, properties);
    }

    private Channel open(String address, String toTopic) {
        return open(settings(address, toTopic, null, Map.of()), null);
    }

    private Channel open(KafkaSettings settings, @Nullable SSLContext tls) {
        Channel channel = new KafkaChannelFactory().open("partner", settings, bundle -> {
            if (tls == null) {
                throw new IllegalArgumentException("ssl-bundle: there is no " + bundle);
            }
            return tls;
        });
        opened.add(channel);
        return channel;
    }
}
