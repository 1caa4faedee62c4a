package dev.saf.local;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The one command in a JVM of its own, as somebody would run it in a folder. */
final class LocalProcess implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(45);

    private final Process process;
    private final Path output;

    private LocalProcess(Process process, Path output) {
        this.process = process;
        this.output = output;
    }

    /** Ports for everything, each free now, by the variable that sets it. */
    static Map<String, String> freePorts() throws IOException {
        Map<String, String> ports = new LinkedHashMap<>();
        List<ServerSocket> held = new ArrayList<>();
        for (String name : List.of(
                "SAF_LOCAL_NATS_PORT",
                "SAF_LOCAL_PRODUCER_PORT",
                "SAF_LOCAL_PRODUCER_MANAGEMENT_PORT",
                "SAF_LOCAL_CONSUMER_PORT",
                "SAF_LOCAL_CONSUMER_MANAGEMENT_PORT")) {
            ServerSocket socket = new ServerSocket(0);
            held.add(socket);
            ports.put(name, String.valueOf(socket.getLocalPort()));
        }
        for (ServerSocket socket : held) {
            socket.close();
        }
        return ports;
    }

    static LocalProcess start(Path folder, Map<String, String> environment) throws IOException {
        Path output = Files.createTempFile(folder, "output", ".txt");
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        LocalApplication.class.getName())
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().putAll(environment);
        return new LocalProcess(builder.start(), output);
    }

    String output() {
        try {
            return Files.readString(output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void awaitOutput(String text) {
        await().atMost(PATIENCE).untilAsserted(() -> {
            if (!output().contains(text)) {
                throw new AssertionError(
                        "no '%s' yet, alive: %s, in:%n%s".formatted(text, process.isAlive(), output()));
            }
        });
    }

    void awaitStart() {
        awaitOutput("Ctrl-C stops everything.");
    }

    List<ProcessHandle> descendants() {
        return process.descendants().toList();
    }

    void signal(String name) throws Exception {
        new ProcessBuilder("sh", "-c", "kill -" + name + " " + process.pid())
                .start()
                .waitFor();
    }

    int awaitExit() throws InterruptedException {
        if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            throw new AssertionError("does not end: " + output());
        }
        return process.exitValue();
    }

    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
    }
}
