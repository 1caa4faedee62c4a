package dev.saf.natsserver;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A nats-server of one's own, with JetStream on a file store, listening on the loopback interface.
 *
 * <p>It runs as a child process (a container with {@code -Dsaf.nats=container}) and ends with this JVM, even with a
 * killed one. Every method returns when its effect is there, and throws {@link NatsServerException} when it does not
 * come. Not for use by several threads at once.
 */
public final class NatsServer implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final String name;
    private final Path store;
    private final boolean kept;
    private final int port;
    private final int monitoringPort;
    private final @Nullable Path executable;
    private final String jetStream;
    private String config;
    private @Nullable Instance instance;

    private NatsServer(Builder builder, int port) {
        this.port = port;
        this.monitoringPort = builder.monitoringPort == 0 ? Ports.free() : builder.monitoringPort;
        this.name = builder.name == null ? "saf-" + port : builder.name;
        this.kept = builder.store != null;
        this.jetStream = builder.jetStream;
        this.config = builder.config;
        this.executable = inContainer() || builder.executable != null
                ? builder.executable
                : NatsServerBinary.find(builder.progress);
        try {
            this.store = builder.store == null
                    ? Files.createTempDirectory("saf-nats-").toRealPath()
                    : Files.createDirectories(builder.store).toRealPath();
            Files.deleteIfExists(log());
            Files.createFile(log());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts one on a port of its own and a fresh temporary folder, which is deleted on close. */
    public static NatsServer start() {
        return builder().start();
    }

    /** Starts one that is not quite like every other. */
    public static Builder builder() {
        return new Builder();
    }

    /** Where clients connect, {@code nats://127.0.0.1:4222} for example. */
    public String url() {
        return "nats://127.0.0.1:" + port;
    }

    /** The port for clients; the same after every restart. */
    public int port() {
        return port;
    }

    /** The port of the server's HTTP monitoring, which has {@code /healthz}, {@code /varz} and {@code /jsz}. */
    public int monitoringPort() {
        return monitoringPort;
    }

    /** The server's name, which JetStream shows as the leader of a stream, for example. */
    public String name() {
        return name;
    }

    /** The folder of everything this server writes: streams, configuration and log. */
    public Path store() {
        return store;
    }

    /** What the server has logged since it was built, through all its restarts. */
    public Path log() {
        return store.resolve("nats-server.log");
    }

    /** The process id of the running, or else of the last, process. */
    public long pid() {
        return running().pid();
    }

    /** Whether the process exists; a frozen one does. */
    public boolean isRunning() {
        return instance != null && instance.isRunning();
    }

    /** Ends it as a power cut would (SIGKILL); a frozen one too. */
    public void kill() {
        running().signal("KILL");
        awaitEnd();
    }

    /** Ends it in good order (SIGTERM); a frozen one too. */
    public void stop() {
        running().signal("TERM");
        running().signal("CONT");
        awaitEnd();
    }

    /** Stops it from doing anything while its connections stay open (SIGSTOP). */
    public void freeze() {
        running().signal("STOP");
    }

    /** Lets a frozen one go on (SIGCONT). */
    public void thaw() {
        running().signal("CONT");
    }

    /** Starts it again on the same store and port, after {@link #stop} if it still runs. */
    public void restart() {
        if (isRunning()) {
            stop();
        }
        launch();
        awaitServing();
    }

    /** Restarts it with other extra configuration, see {@link Builder#config}. */
    public void restartWith(String extraConfig) {
        config = extraConfig;
        restart();
    }

    /**
     * Gives the running server other extra configuration, see {@link Builder#config}, as far as nats-server can change
     * it without a restart.
     *
     * @throws NatsServerException if it refuses, with its reason; it then goes on with what it had
     */
    public void reload(String extraConfig) {
        String before = config;
        config = extraConfig;
        writeConfiguration();
        int seen = logged().length();
        running().signal("HUP");
        await("to reload its configuration", () -> {
            String since = logged().substring(seen);
            return since.contains("Reloaded server configuration") || since.contains("Failed to reload");
        });
        logged().substring(seen)
                .lines()
                .filter(line -> line.contains("Failed to reload"))
                .findFirst()
                .ifPresent(line -> {
                    config = before;
                    writeConfiguration();
                    throw new NatsServerException(line.substring(line.indexOf("Failed to reload")));
                });
    }

    /** Ends it, and deletes its folder unless that was given. Does nothing the second time. */
    @Override
    public void close() {
        if (instance != null) {
            instance.signal(kept ? "TERM" : "KILL");
            instance.signal("CONT");
            awaitEnd();
        }
        if (!kept && Files.exists(store)) {
            delete(store);
        }
    }

    void launch() {
        writeConfiguration();
        instance = executable == null
                ? new NatsContainer(store, configuration(), log())
                : new NatsProcess(executable, configuration(), log());
    }

    void awaitServing() {
        await("to serve", () -> accepts() && isHealthy("?js-enabled-only=true"));
    }

    /** Whether it can serve all its streams, which in a cluster takes a leader. */
    boolean isHealthy() {
        return isHealthy("");
    }

    void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            if (!isRunning()) {
                throw new NatsServerException("nats-server ended while it was expected " + what + ". " + lastWords());
            }
            if (System.nanoTime() > deadline || Thread.currentThread().isInterrupted()) {
                throw new NatsServerException("Gave up waiting for nats-server " + what + ". " + lastWords());
            }
            LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
        }
    }

    private void awaitEnd() {
        if (!running().awaitEnd(PATIENCE)) {
            throw new NatsServerException("nats-server, process " + pid() + ", does not end. " + lastWords());
        }
    }

    private Instance running() {
        if (instance == null) {
            throw new IllegalStateException("never started");
        }
        return instance;
    }

    private boolean accepts() {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    private boolean isHealthy(String query) {
        try {
            HttpURLConnection connection =
                    (HttpURLConnection) URI.create("http://127.0.0.1:" + monitoringPort + "/healthz" + query)
                            .toURL()
                            .openConnection();
            connection.setConnectTimeout(1_000);
            connection.setReadTimeout(1_000);
            try {
                return connection.getResponseCode() == HttpURLConnection.HTTP_OK;
            } finally {
                connection.disconnect();
            }
        } catch (IOException e) {
            return false;
        }
    }

    private Path configuration() {
        return store.resolve("nats-server.conf");
    }

    private void writeConfiguration() {
        String text = """
            server_name: "%s"
            listen: "127.0.0.1:%d"
            http: "127.0.0.1:%d"
            jetstream {
              store_dir: "%s"
              %s
            }
            %s
            """.formatted(
                        name,
                        port,
                        monitoringPort,
                        store.toString().replace("\\", "\\\\").replace("\"", "\\\""),
                        jetStream,
                        config);
        try {
            Files.writeString(configuration(), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String logged() {
        try {
            return Files.readString(log());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String lastWords() {
        List<String> lines = logged().lines().toList();
        return "Its log, " + log() + ", ends with: "
                + String.join(" | ", lines.subList(Math.max(0, lines.size() - 3), lines.size()));
    }

    private static boolean inContainer() {
        return "container".equals(System.getProperty("saf.nats"));
    }

    private static void delete(Path folder) {
        try {
            Files.walkFileTree(folder, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.delete(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException e) throws IOException {
                    Files.delete(visited);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** How a server is to be. */
    public static final class Builder {

        private int port;
        private int monitoringPort;
        private @Nullable String name;
        private @Nullable Path store;
        private @Nullable Path executable;
        private String jetStream = "";
        private String config = "";
        private Consumer<String> progress = System.out::println;

        private Builder() {}

        /** The port for clients; 0, the default, takes a free one. */
        public Builder port(int newPort) {
            port = newPort;
            return this;
        }

        /** The port for HTTP monitoring; 0, the default, takes a free one. */
        public Builder monitoringPort(int newPort) {
            monitoringPort = newPort;
            return this;
        }

        /** The server's name; by default one made from the port. */
        public Builder name(String newName) {
            name = newName;
            return this;
        }

        /** The folder for everything the server writes, which is made if missing and stays after close. */
        public Builder store(Path folder) {
            store = folder;
            return this;
        }

        /** The program to run instead of the one {@link NatsServerBinary} finds. */
        public Builder executable(Path program) {
            executable = program;
            return this;
        }

        /**
         * Lines for the block {@code jetstream}, such as {@code max_file_store: 10MB} or {@code sync_interval: always}.
         */
        public Builder jetStream(String lines) {
            jetStream = lines;
            return this;
        }

        /** Text to follow the configuration this class writes, in nats-server's own language: accounts, TLS, limits. */
        public Builder config(String extraConfig) {
            config = extraConfig;
            return this;
        }

        /**
         * Takes a line for every step of fetching nats-server, which can take half a minute; default: standard output.
         */
        public Builder progress(Consumer<String> lines) {
            progress = lines;
            return this;
        }

        /**
         * Starts it and waits until it serves.
         *
         * @throws NatsServerException if no nats-server can be had, or it does not start
         */
        public NatsServer start() {
            for (int attempt = 1; ; attempt++) {
                NatsServer server = build();
                try {
                    server.launch();
                    server.awaitServing();
                    return server;
                } catch (RuntimeException e) {
                    // Somebody was faster to take the free port.
                    boolean again = port == 0 && attempt < 5 && isPortTaken(e);
                    server.close();
                    if (!again) {
                        throw e;
                    }
                }
            }
        }

        NatsServer build() {
            return new NatsServer(this, port == 0 ? Ports.free() : port);
        }

        private static boolean isPortTaken(RuntimeException e) {
            return String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT).contains("address already in use");
        }
    }
}
