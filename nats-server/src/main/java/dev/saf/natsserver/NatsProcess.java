package dev.saf.natsserver;

import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A nats-server as a child process, in a process group of its own, that does not outlive this JVM. */
final class NatsProcess implements Instance {

    /** Its standard input ends when this JVM does, however that happens; a frozen server must thaw to hear it. */
    private static final String ORPHANED =
            "read -r line || { kill -CONT \"$1\"; kill -TERM \"$1\"; kill -CONT \"$1\"; } 2>/dev/null";

    private final Process server;
    private final CompletableFuture<Process> end;

    NatsProcess(Path executable, Path configuration, Path log) {
        try {
            server = new ProcessBuilder(detached(executable.toString(), "-c", configuration.toString()))
                    .redirectErrorStream(true)
                    .redirectOutput(Redirect.appendTo(log.toFile()))
                    .start();
            server.getOutputStream().close();
        } catch (IOException e) {
            throw new NatsServerException(executable + " does not start: " + e.getMessage(), e);
        }
        try {
            Process guard = new ProcessBuilder(detached("sh", "-c", ORPHANED, "guard", String.valueOf(server.pid())))
                    .redirectOutput(Redirect.DISCARD)
                    .redirectError(Redirect.DISCARD)
                    .start();
            end = server.onExit().thenCompose(ended -> guard.destroyForcibly().onExit());
        } catch (IOException e) {
            server.destroyForcibly();
            throw new NatsServerException("There is no sh to guard nats-server: " + e.getMessage(), e);
        }
    }

    @Override
    public long pid() {
        return server.pid();
    }

    @Override
    public boolean isRunning() {
        return server.isAlive();
    }

    @Override
    public void signal(String name) {
        if (!server.isAlive()) {
            return;
        }
        try {
            // The kill that is part of every shell: some small systems have no other.
            new ProcessBuilder("sh", "-c", "kill -" + name + " " + server.pid())
                    .redirectErrorStream(true)
                    .redirectOutput(Redirect.DISCARD)
                    .start()
                    .onExit()
                    .join();
        } catch (IOException e) {
            throw new NatsServerException("Cannot send " + name + " to nats-server: " + e.getMessage(), e);
        }
    }

    @Override
    public boolean awaitEnd(Duration patience) {
        return end.thenApply(process -> true)
                .completeOnTimeout(false, patience.toMillis(), TimeUnit.MILLISECONDS)
                .join();
    }

    /** A terminal's Ctrl-C goes to its whole process group: the server has to leave it, to be the last one to stop. */
    private static List<String> detached(String... command) {
        List<String> whole = new ArrayList<>();
        if (isOnPath("setsid")) {
            whole.add("setsid");
        } else if (isOnPath("perl")) {
            whole.addAll(List.of("perl", "-e", "setpgrp(0, 0); exec @ARGV or die $!"));
        }
        whole.addAll(List.of(command));
        return whole;
    }

    private static boolean isOnPath(String command) {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                .filter(folder -> !folder.isEmpty())
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, command)));
    }
}
