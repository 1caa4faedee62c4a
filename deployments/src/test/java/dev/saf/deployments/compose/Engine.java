package dev.saf.deployments.compose;

import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.peers.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.Assumptions;

/** A Docker engine of its own, which nobody else uses, with the images that docker-compose.yml needs. */
final class Engine {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Path folder;
    private final Process daemon;
    private final Map<String, String> environment = new TreeMap<>();

    private Engine(Path folder, Process daemon, String address) {
        this.folder = folder;
        this.daemon = daemon;
        environment.put("DOCKER_HOST", address);
        // What comes with Debian's engine has no other builder.
        environment.put("DOCKER_BUILDKIT", "0");
        environment.put("JAVA_HOME", System.getProperty("java.home"));
    }

    /** Starts it, or skips the test where that cannot be; fails there if peers are required. */
    static Engine start(Path folder) throws Exception {
        Path log = folder.resolve("dockerd.log");
        String address = "unix://" + folder.resolve("socket");
        Process daemon = Tool.start(
                log,
                "dockerd",
                "--host=" + address,
                "--data-root=" + folder.resolve("data"),
                "--exec-root=" + folder.resolve("exec"),
                "--pidfile=" + folder.resolve("pid"));
        Engine engine = new Engine(folder, daemon, address);
        boolean runs;
        try {
            // The first time it has to be got.
            Awaitility.await().atMost(Duration.ofMinutes(2)).until(() -> !daemon.isAlive() || engine.answers());
            runs = daemon.isAlive();
        } catch (ConditionTimeoutException e) {
            runs = false;
        }
        if (!runs) {
            engine.end();
            String why = "NOT RUN: no Docker engine can be started here: " + Files.readString(log);
            assertThat("required".equals(System.getenv("SAF_PEERS"))).as(why).isFalse();
            Assumptions.abort(why);
        }
        return engine;
    }

    private boolean answers() throws InterruptedException {
        try {
            return run(List.of("docker", "version")).exitCode() == 0;
        } catch (IOException e) {
            // Not even a client.
            return false;
        }
    }

    /** Makes the images that would be pulled elsewhere, and has compose use them. */
    void makeLocalImages() throws Exception {
        run(List.of("deployments/image/local-images")).success();
        environment.put("BUILD_IMAGE", "saf-local/build:1");
        environment.put("RUNTIME_IMAGE", "saf-local/runtime:1");
        environment.put("NATS_IMAGE", "saf-local/nats:1");
        environment.put("K6_IMAGE", "saf-local/k6:1");
        environment.put("NATS_EXPORTER_IMAGE", "saf-local/exporter:1");
        environment.put("LGTM_IMAGE", "saf-local/observer:1");
    }

    /** Sets a variable for compose. */
    void set(String variable, String value) {
        environment.put(variable, value);
    }

    Tool.Result docker(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("docker"));
        command.addAll(List.of(arguments));
        return run(command);
    }

    Tool.Result compose(String... arguments) throws Exception {
        return Tool.run(environment, "docker-compose", arguments);
    }

    Tool.Result just(String... arguments) throws Exception {
        return Tool.run(environment, "just", arguments);
    }

    private Tool.Result run(List<String> command) throws IOException, InterruptedException {
        Path output = Files.createTempFile("saf-engine", ".log");
        try {
            ProcessBuilder builder = new ProcessBuilder(command)
                    .directory(Tool.project().toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            // The first time tools have to be built.
            if (!process.waitFor(10, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new AssertionError(command + " did not end: " + Files.readString(output));
            }
            return new Tool.Result(process.exitValue(), Files.readString(output));
        } finally {
            Files.delete(output);
        }
    }

    /** Ends it, and its containers with it. */
    void end() throws IOException, InterruptedException {
        daemon.destroy();
        if (!daemon.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            daemon.destroyForcibly().onExit().join();
        }
        // Names in images may be such as Java cannot delete.
        new ProcessBuilder(
                        "rm",
                        "-rf",
                        folder.resolve("data").toString(),
                        folder.resolve("exec").toString())
                .start()
                .waitFor();
    }
}
