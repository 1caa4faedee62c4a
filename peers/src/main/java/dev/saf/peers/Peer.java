package dev.saf.peers;

import dev.saf.natsserver.Ports;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A server that tests talk to: a child process on the loopback interface, started by a script in {@code tools/}, which
 * gets the server the first time. It ends with this JVM, even with a killed one. Every method returns when its effect
 * is there, and throws {@link AssertionError} with the server's own words when it does not come. Not for use by several
 * threads at once.
 */
public final class Peer implements AutoCloseable {

    /** Long enough to download it. */
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    /** Its standard input ends when this JVM does, however that happens. */
    private static final String ORPHANED = "read -r line || kill -KILL -- \"-$1\" \"$1\" 2>/dev/null";

    private final Builder how;
    private final List<String> command;
    private @Nullable Process process;

    private Peer(Builder how, List<String> command) {
        this.how = how;
        this.command = command;
    }

    /**
     * Chooses a port and makes a folder for a server that is about to be started.
     *
     * @param tool the script in {@code tools/} that becomes the server
     */
    public static Builder builder(String tool) {
        return new Builder(tool);
    }

    /** The port that clients connect to on 127.0.0.1; the same after every restart. */
    public int port() {
        return how.port;
    }

    /** The folder of everything this server reads and writes. */
    public Path folder() {
        return how.folder;
    }

    /** What it has logged so far, through all its restarts. */
    public String log() {
        try {
            return Files.exists(logFile()) ? Files.readString(logFile()) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends it and all its processes as a power cut would (SIGKILL); a frozen one too. */
    public void kill() {
        List<ProcessHandle> all = processes();
        signal("KILL", all);
        CompletableFuture<?>[] ends = all.stream().map(ProcessHandle::onExit).toArray(CompletableFuture<?>[]::new);
        CompletableFuture.allOf(ends)
                .orTimeout(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
                .join();
    }

    /** Stops it from doing anything while its connections stay open (SIGSTOP). */
    public void freeze() {
        signal("STOP", processes());
    }

    /** Lets a frozen one go on (SIGCONT). */
    public void resume() {
        signal("CONT", processes());
    }

    /** Starts it again on the same port and with the same data, after {@link #kill} if it still runs. */
    public void restart() {
        kill();
        launch();
    }

    /** Kills it and deletes its folder. Does nothing the second time. */
    @Override
    public void close() {
        if (process != null) {
            kill();
        }
        if (!Files.exists(how.folder)) {
            return;
        }
        try (Stream<Path> files = Files.walk(how.folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void launch() {
        int seen = log().length();
        try {
            ProcessBuilder builder = new ProcessBuilder(command)
                    .directory(how.folder.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(Redirect.appendTo(logFile().toFile()));
            builder.environment().putAll(how.environment);
            Process started = builder.start();
            process = started;
            started.getOutputStream().close();
            Process guard = new ProcessBuilder("setsid", "sh", "-c", ORPHANED, "guard", String.valueOf(started.pid()))
                    .redirectOutput(Redirect.DISCARD)
                    .redirectError(Redirect.DISCARD)
                    .start();
            var _ = started.onExit().thenRun(guard::destroyForcibly);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        awaitReady(seen);
    }

    private void awaitReady(int seen) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!log().substring(seen).contains(how.ready) || !accepts()) {
            boolean gone = process == null || !process.isAlive();
            if (gone || System.nanoTime() > deadline || Thread.currentThread().isInterrupted()) {
                String words = "%s %s before it said \"%s\": %s"
                        .formatted(how.tool, gone ? "ended" : "took too long", how.ready, log());
                close();
                throw new AssertionError(words);
            }
            LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
        }
    }

    private boolean accepts() {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), how.port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    /** The first one first, so that a frozen server makes no further ones. */
    private List<ProcessHandle> processes() {
        if (process == null) {
            throw new IllegalStateException(how.tool + " was never started");
        }
        List<ProcessHandle> all = new ArrayList<>();
        all.add(process.toHandle());
        process.descendants().forEach(all::add);
        return all;
    }

    private void signal(String name, List<ProcessHandle> targets) {
        List<String> kill = new ArrayList<>(List.of("sh", "-c", "kill -" + name + " \"$@\"", "kill"));
        targets.stream()
                .filter(ProcessHandle::isAlive)
                .map(ProcessHandle::pid)
                .map(String::valueOf)
                .forEach(kill::add);
        if (kill.size() == 4) {
            return;
        }
        try {
            new ProcessBuilder(kill)
                    .redirectErrorStream(true)
                    .redirectOutput(Redirect.DISCARD)
                    .start()
                    .onExit()
                    .join();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path logFile() {
        return how.folder.resolve("peer.log");
    }

    /** How a server is to be. */
    public static final class Builder {

        private final String tool;
        private final int port = Ports.free();
        private final Path folder;
        private final Map<String, String> environment = new HashMap<>();
        private String ready = "";

        private Builder(String tool) {
            this.tool = tool;
            try {
                this.folder = Files.createTempDirectory("saf-" + tool + "-").toRealPath();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** The port to listen on, at 127.0.0.1. */
        public int port() {
            return port;
        }

        /** A new folder for whatever the server reads and writes; deleted on close. */
        public Path folder() {
            return folder;
        }

        /** Writes a file for the server to read, and returns its path. */
        public String file(String name, String text) {
            try {
                return Files.writeString(folder.resolve(name), text).toString();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** Sets an environment variable. */
        public Builder environment(String name, String value) {
            environment.put(name, value);
            return this;
        }

        /** What it logs once it serves; by default it is enough that its port is open. */
        public Builder ready(String words) {
            ready = words;
            return this;
        }

        /**
         * Starts it and waits until it serves.
         *
         * @param arguments those of the script
         */
        public Peer start(String... arguments) {
            List<String> command = new ArrayList<>();
            // A terminal's Ctrl-C goes to its whole process group, and the test decides when a server ends.
            command.add("setsid");
            command.add(Tool.project().resolve("tools").resolve(tool).toString());
            command.addAll(List.of(arguments));
            Peer peer = new Peer(this, List.copyOf(command));
            peer.launch();
            return peer;
        }
    }
}
