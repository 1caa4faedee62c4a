package dev.saf.peers;

import dev.saf.natsserver.Ports;

/** RabbitMQ, an AMQP 0-9-1 broker. */
public final class RabbitMq {

    /** Who may do everything in the virtual host {@code /}. */
    public static final String USER = "saf";

    /** The password of {@link #USER}. */
    public static final String PASSWORD = "rabbit-secret";

    private RabbitMq() {}

    /**
     * Starts one without plugins; takes some seconds.
     *
     * @param configuration further lines of rabbitmq.conf
     */
    public static Peer start(String... configuration) {
        Peer.Builder rabbit = Peer.builder("rabbitmq-server").ready("Server startup complete");
        String settings = rabbit.file(
                "rabbitmq.conf", """
                    listeners.tcp.1 = 127.0.0.1:%d
                    default_user = %s
                    default_pass = %s
                    log.console = true
                    log.file = false
                    disk_free_limit.absolute = 1MB
                    %s
                    """.formatted(rabbit.port(), USER, PASSWORD, String.join("\n", configuration)));
        return rabbit.environment("RABBITMQ_CONFIG_FILE", settings)
                .environment("RABBITMQ_ENABLED_PLUGINS_FILE", rabbit.file("enabled_plugins", "[]."))
                .environment("RABBITMQ_NODENAME", "saf-" + rabbit.port() + "@localhost")
                .environment("RABBITMQ_MNESIA_BASE", rabbit.folder().toString())
                .environment("RABBITMQ_LOG_BASE", rabbit.folder().toString())
                .environment("RABBITMQ_DIST_PORT", String.valueOf(Ports.free()))
                .environment("ERL_EPMD_PORT", String.valueOf(Ports.free()))
                .start();
    }
}
