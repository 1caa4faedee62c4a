package dev.saf.channel.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelContract;
import dev.saf.channel.RejectedEventException;
import dev.saf.channel.RemoteChannelContract;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.natsserver.Ports;
import dev.saf.peers.Certificate;
import dev.saf.peers.Peer;
import dev.saf.peers.Redis;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.StreamEntryID;
import redis.clients.jedis.params.XAddParams;
import redis.clients.jedis.resps.StreamEntry;

class RedisChannelIT implements RemoteChannelContract {

    private static final String SECRET = "redis-secret";

    private final List<AutoCloseable> opened = new ArrayList<>();
    private final Peer redis = opened(Redis.start());

    @AfterEach
    void close() throws Exception {
        // A frozen one would keep everybody waiting who says good-bye.
        redis.resume();
        for (AutoCloseable each : opened.reversed()) {
            each.close();
        }
    }

    @Override
    public String type() {
        return "redis";
    }

    @Override
    public Channel working() {
        return open(to(redis));
    }

    @Override
    public Channel gone() {
        return open(to(redis).url("redis://127.0.0.1:1"));
    }

    @Override
    public Channel silent() throws Exception {
        Channel channel = working();
        channel.deliver(ChannelContract.event("before"));
        redis.freeze();
        return channel;
    }

    @Override
    public List<String> delivered() {
        return fields("id");
    }

    @Override
    public List<String> traceparents() {
        return fields("traceparent");
    }

    @Override
    public List<Supplier<Channel>> refused() {
        Given good = new Given("redis://server:6379", "events");
        return List.of(
                () -> open(good.url(" ")),
                () -> open(good.url("http://server")),
                () -> open(good.url("server:6379")),
                () -> open(good.url("redis://server/events")),
                () -> open(good.url("redis://server:99999")),
                () -> open(good.url("redis://ser ver")),
                () -> open(good.url("redis://:secret@server")),
                () -> open(good.key(" ")),
                () -> open(good.key("{{#id}}")),
                () -> open(good.as("saf", null)),
                () -> open(good.maxLength(0)),
                () -> open(good.maxAge(Duration.ZERO)),
                () -> open(good.maxLength(1).maxAge(Duration.ofDays(1))),
                () -> open(good.connections(0)),
                () -> open(good.trusting("own")),
                () -> open(good.url("rediss://server").trusting("unknown")));
    }

    @Test
    void appendsAnEntryWithAFieldForEachAttribute() throws Exception {
        working().deliver(ChannelContract.event("caf\u00e9 1").withAttribute("tenant", "a"));
        assertThat(entries("events:orders.placed").getFirst().getFields())
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "specversion", "1.0",
                        "id", "caf\u00e9 1",
                        "source", "shop",
                        "type", "orders.placed",
                        "time", "2026-01-02T03:04:05.006Z",
                        "tenant", "a",
                        "traceparent", TRACE.traceparent(),
                        "datacontenttype", "application/json",
                        "data", "{\"order\":1}"));
    }

    @Test
    void appendsToTheDatabaseOfTheUrl() throws Exception {
        open(to(redis).url("redis://127.0.0.1:" + redis.port() + "/1")).deliver(ChannelContract.event("1"));
        assertThat(delivered()).isEmpty();
    }

    @Test
    void keepsAStreamAboutAsLongAsConfigured() throws Exception {
        Channel channel = open(to(redis).maxLength(10));
        for (int i = 0; i < 500; i++) {
            channel.deliver(ChannelContract.event("event-" + i));
        }
        // Redis drops whole nodes of 100 entries.
        assertThat(delivered()).hasSizeBetween(10, 200).contains("event-499");
    }

    @Test
    void dropsWhatIsOlderThanConfigured() throws Exception {
        try (RedisClient client = client()) {
            for (int i = 1; i <= 150; i++) {
                var _ = client.xadd(
                        "events:orders.placed", XAddParams.xAddParams().id(i, 0), Map.of("id", "old-" + i));
            }
        }
        open(to(redis).maxAge(Duration.ofDays(1))).deliver(ChannelContract.event("new"));
        assertThat(delivered()).hasSizeLessThan(150).doesNotContain("old-1").contains("new");
    }

    @Test
    void deliversOnceTheServerIsThere() throws Exception {
        redis.kill();
        Channel channel = working();
        assertThatThrownBy(() -> channel.deliver(ChannelContract.event("1"))).isInstanceOf(IOException.class);
        redis.restart();
        channel.deliver(ChannelContract.event("1"));
        assertThat(delivered()).containsExactly("1");
    }

    @Test
    void losesNothingThatWasConfirmedWhenTheServerDies() throws Exception {
        Channel channel = silent();
        CompletableFuture<Boolean> unconfirmed = delivering(channel, "cut off");
        assertThat(unconfirmed).isNotDone();
        redis.kill();
        assertThatThrownBy(unconfirmed::get)
                .isInstanceOf(ExecutionException.class)
                .rootCause()
                .isNotInstanceOf(RejectedEventException.class);
        redis.restart();
        channel.deliver(ChannelContract.event("after"));
        assertThat(delivered()).containsExactly("before", "after");
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
            redis.restart();
        }
        assertThat(new HashSet<>(delivered())).containsExactlyInAnyOrderElementsOf(ids);
    }

    @Test
    void waitsForAServerThatIsSlow() throws Exception {
        Channel channel = silent();
        CompletableFuture<Boolean> slow = delivering(channel, "slow");
        assertThat(slow).isNotDone();
        redis.resume();
        assertThat(slow.get()).isTrue();
        assertThat(delivered()).containsExactly("before", "slow");
    }

    @Test
    void failsIfTheServerRefusesThePassword() throws Exception {
        Peer strict = opened(Redis.start("--requirepass", SECRET));
        assertThatThrownBy(() -> open(to(strict)).deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("auth");
        assertThatThrownBy(() -> open(to(strict).as(null, "wrong-secret")).deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("WRONGPASS")
                .hasMessageNotContaining("wrong-secret");
        open(to(strict).as(null, SECRET)).deliver(ChannelContract.event("1"));
        open(to(strict).as("default", SECRET)).deliver(ChannelContract.event("2"));
    }

    @Test
    void rejectsAnEventForAKeyThatIsNoStream() throws Exception {
        try (RedisClient client = client()) {
            var _ = client.set("events:orders.placed", "a string");
        }
        assertThatThrownBy(() -> working().deliver(ChannelContract.event("1")))
                .isInstanceOf(RejectedEventException.class)
                .hasMessageContaining("WRONGTYPE");
    }

    @Test
    void rejectsAnEventForAKeyThatTheUserMayNotUse() throws Exception {
        Peer strict = opened(Redis.start("--user", "saf", "on", ">" + SECRET, "~allowed:*", "+@all"));
        assertThatThrownBy(() -> open(to(strict).as("saf", SECRET)).deliver(ChannelContract.event("1")))
                .isInstanceOf(RejectedEventException.class)
                .hasMessageContaining("NOPERM");
        open(to(strict).as("saf", SECRET).key("allowed:events")).deliver(ChannelContract.event("1"));
    }

    @Test
    void triesAgainLaterIfTheServerIsFull() throws Exception {
        Peer full = opened(Redis.start("--maxmemory", "1"));
        assertThatThrownBy(() -> open(to(full)).deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("OOM");
    }

    @Test
    void rejectsAnEventThatMakesNoKey() {
        assertThatThrownBy(() -> open(to(redis).key("{{#payload.name}}x{{/payload.name}}"))
                        .deliver(new Event("a", "1", "saf", "a", null, Payload.NONE, Map.of(), null)))
                .isInstanceOf(RejectedEventException.class);
    }

    @Test
    void deliversOverTlsToWhomTheBundleTrusts(@TempDir Path folder) throws Exception {
        Certificate certificate = Certificate.make(folder);
        Path chain = Files.writeString(folder.resolve("certificate.pem"), certificate.certificate());
        Path key = Files.writeString(folder.resolve("key.pem"), certificate.key());
        int port = Ports.free();
        Peer secure = opened(Redis.start(
                "--tls-port",
                String.valueOf(port),
                "--tls-cert-file",
                chain.toString(),
                "--tls-key-file",
                key.toString(),
                "--tls-ca-cert-file",
                chain.toString(),
                "--tls-auth-clients",
                "no"));
        Given overTls = to(secure).url("rediss://localhost:" + port);
        SSLContext trusted = certificate.trusted();
        Channel trusting = opened(new RedisChannelFactory()
                .open("partner", overTls.trusting("partner").settings(), bundle -> trusted));
        trusting.deliver(ChannelContract.event("1"));
        assertThatThrownBy(() -> open(overTls).deliver(ChannelContract.event("2")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("certif");
    }

    /** A server takes its time to start. */
    private static ConditionFactory untilDone() {
        return await().atMost(Duration.ofMinutes(1))
                .pollDelay(Duration.ZERO)
                .pollInSameThread()
                .ignoreExceptions();
    }

    private List<String> fields(String name) {
        return entries("events:orders.placed", "events:a").stream()
                .map(entry -> entry.getFields().getOrDefault(name, ""))
                .filter(value -> !value.isEmpty())
                .toList();
    }

    private List<StreamEntry> entries(String... keys) {
        List<StreamEntry> all = new ArrayList<>();
        try (RedisClient client = client()) {
            for (String key : keys) {
                all.addAll(client.xrange(key, (StreamEntryID) null, null));
            }
        }
        return all;
    }

    private RedisClient client() {
        return RedisClient.create("127.0.0.1", redis.port());
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

    private static Given to(Peer server) {
        return new Given("redis://127.0.0.1:" + server.port(), "events:{{subject}}");
    }

    private Channel open(Given given) {
        return opened(new RedisChannelFactory().open("partner", given.settings(), RedisChannelIT::unknown));
    }

    private static SSLContext unknown(String bundle) {
        throw new IllegalArgumentException("ssl-bundle: there is no bundle '" + bundle + "'");
    }

    private <T extends AutoCloseable> T opened(T resource) {
        opened.add(resource);
        return resource;
    }
}
