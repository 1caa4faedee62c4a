package dev.saf.channel.mqtt;

import com.hivemq.client.internal.mqtt.MqttClientConfig;
import com.hivemq.client.internal.mqtt.MqttRxClient;
import com.hivemq.client.internal.util.collections.ImmutableList;
import com.hivemq.client.mqtt.MqttClientExecutorConfig;
import com.hivemq.client.mqtt.MqttClientTransportConfig;
import com.hivemq.client.mqtt.MqttClientTransportConfigBuilder;
import com.hivemq.client.mqtt.MqttVersion;
import com.hivemq.client.mqtt.mqtt5.Mqtt5AsyncClient;
import com.hivemq.client.mqtt.mqtt5.Mqtt5Client;
import com.hivemq.client.mqtt.mqtt5.Mqtt5ClientBuilder;
import com.hivemq.client.mqtt.mqtt5.message.auth.Mqtt5SimpleAuth;
import com.hivemq.client.mqtt.mqtt5.message.auth.Mqtt5SimpleAuthBuilder;
import com.hivemq.client.mqtt.mqtt5.message.connect.Mqtt5Connect;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.IdentityCipherSuiteFilter;
import io.netty.handler.ssl.JdkSslContext;
import io.reactivex.schedulers.Schedulers;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * The one connection of a channel, made when it is first needed and again after it broke. Each is a clean start: the
 * broker keeps nothing of the one before, and neither does the client.
 */
final class Brokers {

    /** A broker that does not answer must not keep the service from ending. */
    private static final Duration FAREWELL = Duration.ofSeconds(1);

    private final String name;
    private final MqttSettings settings;
    private final @Nullable SSLContext tls;
    private final Executor threads;
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable CompletableFuture<Mqtt5AsyncClient> current;
    private boolean closed;

    Brokers(String name, MqttSettings settings, @Nullable SSLContext tls) {
        this.name = name;
        this.settings = settings;
        this.tls = tls;
        this.threads = task -> Thread.ofPlatform().daemon().name("mqtt-" + name).start(task);
    }

    /** The connection, or the one that is being made, for everybody who waits; or why there is none. */
    CompletableFuture<Mqtt5AsyncClient> connection() {
        lock.lock();
        try {
            if (closed) {
                return CompletableFuture.failedFuture(new IOException("the channel is closed"));
            }
            CompletableFuture<Mqtt5AsyncClient> connection = current;
            if (connection == null || isOver(connection)) {
                connection = connect(settings.brokers());
                current = connection;
            }
            return connection;
        } finally {
            lock.unlock();
        }
    }

    void close() {
        CompletableFuture<Mqtt5AsyncClient> last;
        lock.lock();
        try {
            last = closed ? null : current;
            closed = true;
        } finally {
            lock.unlock();
        }
        if (last != null) {
            // Whether or not it could be said, it is over.
            var _ = last.thenCompose(Mqtt5AsyncClient::disconnect)
                    .handle((_, failure) -> failure == null)
                    .completeOnTimeout(false, FAREWELL.toMillis(), TimeUnit.MILLISECONDS)
                    .join();
        }
    }

    private static boolean isOver(CompletableFuture<Mqtt5AsyncClient> connection) {
        return connection.isDone()
                && (connection.isCompletedExceptionally()
                        || !connection.resultNow().getState().isConnected());
    }

    /** To the first that takes it. */
    private CompletableFuture<Mqtt5AsyncClient> connect(List<URI> brokers) {
        Mqtt5AsyncClient client = client(brokers.getFirst());
        CompletableFuture<Mqtt5AsyncClient> connection =
                client.connect(connect()).thenApply(accepted -> client);
        return brokers.size() == 1
                ? connection
                : connection.exceptionallyCompose(failure -> connect(brokers.subList(1, brokers.size())));
    }

    private Mqtt5Connect connect() {
        return Mqtt5Connect.builder()
                .cleanStart(true)
                .keepAlive((int) Objects.requireNonNull(settings.keepAlive()).toSeconds())
                .build();
    }

    private Mqtt5AsyncClient client(URI broker) {
        Mqtt5ClientBuilder builder = Mqtt5Client.builder()
                .identifier(settings.clientId() == null ? "saf-" + name + "-" + UUID.randomUUID() : settings.clientId())
                .transportConfig(transport(broker))
                .executorConfig(MqttClientExecutorConfig.builder()
                        .nettyExecutor(threads)
                        .nettyThreads(1)
                        .applicationScheduler(Schedulers.from(Runnable::run))
                        .build());
        @Nullable String username = settings.username();
        if (username != null) {
            builder = builder.simpleAuth(authentication(username));
        }
        return client((MqttClientConfig) builder.build().getConfig(), MqttSettings.isSecure(broker));
    }

    /**
     * What the client's own builders cannot make, from what they made: one that takes an SSL context as it is (they
     * take only the factories it was made of), and one that has the same methods for MQTT 3.1.1.
     */
    private Mqtt5AsyncClient client(MqttClientConfig built, boolean secure) {
        MqttClientConfig config = new MqttClientConfig(
                "5".equals(settings.version()) ? MqttVersion.MQTT_5_0 : MqttVersion.MQTT_3_1_1,
                built.getRawClientIdentifier(),
                built.getTransportConfig(),
                built.getExecutorConfig(),
                built.getAdvancedConfig(),
                built.getConnectDefaults(),
                ImmutableList.of(),
                ImmutableList.of());
        if (secure && tls != null) {
            config.setCurrentSslContext(new JdkSslContext(
                    tls,
                    true,
                    null,
                    IdentityCipherSuiteFilter.INSTANCE,
                    ApplicationProtocolConfig.DISABLED,
                    ClientAuth.NONE,
                    null,
                    false));
        }
        return new MqttRxClient(config).toAsync();
    }

    private MqttClientTransportConfig transport(URI broker) {
        long patience = Objects.requireNonNull(settings.connectTimeout()).toMillis();
        MqttClientTransportConfigBuilder transport = MqttClientTransportConfig.builder()
                .serverHost(broker.getHost())
                .serverPort(MqttSettings.port(broker))
                .socketConnectTimeout(patience, TimeUnit.MILLISECONDS)
                .mqttConnectTimeout(patience, TimeUnit.MILLISECONDS);
        return MqttSettings.isSecure(broker) ? transport.sslWithDefaultConfig().build() : transport.build();
    }

    private Mqtt5SimpleAuth authentication(String username) {
        Mqtt5SimpleAuthBuilder.Complete authentication =
                Mqtt5SimpleAuth.builder().username(username);
        @Nullable String password = settings.password();
        return password == null
                ? authentication.build()
                : authentication
                        .password(password.getBytes(StandardCharsets.UTF_8))
                        .build();
    }
}
