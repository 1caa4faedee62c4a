package dev.saf.jetstream;

import io.nats.client.AuthHandler;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.impl.NatsStatistics;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.ssl.NoSuchSslBundleException;
import org.springframework.boot.ssl.SslBundles;

/** How the NATS client is set up, in terms of {@link NatsSettings}. */
final class ConnectionOptions {

    private ConnectionOptions() {}

    static Options of(
            NatsSettings settings, @Nullable SslBundles bundles, ConnectionWatch watch, NatsStatistics statistics) {
        Options.Builder options = new Options.Builder()
                .servers(settings.servers().toArray(String[]::new))
                .connectionName(settings.connectionName())
                .inboxPrefix(settings.inboxPrefix())
                .maxReconnects(-1)
                .reconnectWait(settings.reconnectWait())
                .reconnectJitter(settings.reconnectJitter())
                .reconnectJitterTls(settings.reconnectJitter())
                // What is published while there is no connection fails at once, instead of being sent when nobody
                // waits.
                .reconnectBufferSize(0)
                .connectionTimeout(settings.connectTimeout())
                .dataPortType(GatheringDataPort.class.getName())
                .socketWriteTimeout(settings.writeTimeout())
                .writeQueuePushTimeout(Duration.ofMillis(500))
                .pingInterval(settings.pingInterval())
                .maxPingsOut(settings.maxPingsOut())
                .requestCleanupInterval(Duration.ofSeconds(1))
                .useTimeoutException()
                .dontForceFlushOnRequest()
                // The other modes replace the host by its address, against which no certificate can be verified.
                .hostnameResolveMode(Options.HostnameResolveMode.HappyEyeballs)
                .callbackThreadFactory(
                        Thread.ofPlatform().daemon().name("nats-callback").factory())
                .connectThreadFactory(
                        Thread.ofPlatform().daemon().name("nats-connect").factory())
                .statisticsCollector(statistics)
                .connectionListener(watch)
                .errorListener(watch);
        authenticate(options, settings);
        if (settings.usesTls()) {
            // Servers tell of each other by address, which is not in their certificates.
            options.sslContext(new VerifyingTls(contexts(settings.sslBundle(), bundles)))
                    .ignoreDiscoveredServers();
        }
        return options.build();
    }

    private static void authenticate(Options.Builder options, NatsSettings settings) {
        String user = settings.user();
        String password = settings.password();
        String token = settings.token();
        String nkey = settings.nkey();
        String credentials = settings.credentials();
        if (user != null && password != null) {
            options.userInfo(user.toCharArray(), password.toCharArray());
        } else if (token != null) {
            options.token(token.toCharArray());
        } else if (nkey != null) {
            options.authHandler(nkey(nkey));
        } else if (credentials != null) {
            options.authHandler(Nats.credentials(credentials));
        }
    }

    /** The client reads the seed and has no JWT to send if only the file with the seed is named. */
    @SuppressWarnings("NullAway") // the client's own way to say that there is no JWT
    private static AuthHandler nkey(String seedFile) {
        return Nats.credentials(null, seedFile);
    }

    private static Supplier<SSLContext> contexts(@Nullable String bundle, @Nullable SslBundles bundles) {
        if (bundle == null) {
            return () -> {
                try {
                    return SSLContext.getDefault();
                } catch (NoSuchAlgorithmException e) {
                    throw new IllegalStateException("the JVM's own trust store cannot be used", e);
                }
            };
        }
        if (bundles == null) {
            throw new NoSuchSslBundleException(bundle, "There are no SSL bundles");
        }
        return () -> bundles.getBundle(bundle).createSslContext();
    }
}
