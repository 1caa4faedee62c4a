package dev.saf.channel.redis;

import java.net.URI;
import java.time.Duration;
import java.util.Objects;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.RedisClient;

/** How the client is made of the settings. */
final class Server {

    /** The consumer knows better how long an event may take, and interrupts. */
    private static final int FOR_EVER = 0;

    private Server() {}

    /** Does not connect yet. */
    static RedisClient open(String name, RedisSettings settings, @Nullable SSLContext tls) {
        URI server = settings.server();
        int connections = Objects.requireNonNull(settings.connections());
        ConnectionPoolConfig pool = new ConnectionPoolConfig();
        pool.setMaxTotal(connections);
        pool.setMaxIdle(connections);
        // No thread that looks after connections: one that is broken is seen when it is used.
        pool.setTestWhileIdle(false);
        pool.setTimeBetweenEvictionRuns(Duration.ofMillis(-1));
        pool.setJmxEnabled(false);
        DefaultJedisClientConfig.Builder client = DefaultJedisClientConfig.builder()
                .connectionTimeoutMillis(
                        (int) Objects.requireNonNull(settings.connectTimeout()).toMillis())
                .socketTimeoutMillis(FOR_EVER)
                .clientName("saf-" + name)
                .database(RedisSettings.database(server));
        if (settings.username() != null) {
            client.user(settings.username());
        }
        if (settings.password() != null) {
            client.password(settings.password());
        }
        if (RedisSettings.isSecure(server)) {
            SSLParameters parameters = new SSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            client.ssl(true).sslParameters(parameters);
            if (tls != null) {
                client.sslSocketFactory(tls.getSocketFactory());
            }
        }
        return RedisClient.builder()
                .hostAndPort(server.getHost(), RedisSettings.port(server))
                .clientConfig(client.build())
                .poolConfig(pool)
                .build();
    }
}
