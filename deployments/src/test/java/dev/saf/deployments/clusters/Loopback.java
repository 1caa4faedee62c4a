package dev.saf.deployments.clusters;

import dev.saf.peers.Tool;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/** The script of that name, with a folder and with ports of its own. Whatever it has started ends on close. */
final class Loopback implements AutoCloseable {

    private static final Path SCRIPTS = Tool.project().resolve("deployments/walk-throughs");

    private final Path folder;
    private final int prefix = freePorts();
    private final Map<String, String> environment = new TreeMap<>();

    Loopback(Path folder) throws IOException, InterruptedException {
        this.folder = folder;
        // Got now, if they are not here yet: nobody waits that long later on.
        var _ = Tool.run("nats", "--version").success();
        var _ = Tool.run("nats-server", "--version").success();
        environment.put("WALK", folder.toString());
        environment.put("WALK_PORTS", String.valueOf(prefix));
        environment.put("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1");
        environment.put(
                "PATH",
                SCRIPTS
                        + File.pathSeparator
                        + Tool.project().resolve("tools")
                        + File.pathSeparator
                        + Path.of(System.getProperty("java.home"), "bin")
                        + File.pathSeparator
                        + System.getenv("PATH"));
    }

    /** An environment variable for everything that is run from now on. */
    Loopback with(String name, String value) {
        environment.put(name, value);
        return this;
    }

    /** A port by its last two digits, as the pages have them. */
    int port(int lastDigits) {
        return prefix * 100 + lastDigits;
    }

    /** The ports of a page, {@code 5421} for example, as they are here. */
    String withPorts(String page) {
        return page.replaceAll("\\b54(\\d\\d)\\b", prefix + "$1");
    }

    /** What it has logged so far, empty if nothing. */
    String log(String name) {
        Path log = folder.resolve(name + ".log");
        try {
            return Files.exists(log) ? Files.readString(log) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs the script, and fails if it does. */
    String run(String... arguments) {
        List<String> command =
                new ArrayList<>(List.of(SCRIPTS.resolve("loopback").toString()));
        command.addAll(List.of(arguments));
        try {
            Path output = Files.createTempFile("saf-loopback", ".txt");
            Process process = start(command, output);
            boolean ended = process.waitFor(90, TimeUnit.SECONDS);
            String said = Files.readString(output);
            Files.delete(output);
            if (!ended || process.exitValue() != 0) {
                throw new AssertionError(String.join(" ", command) + ": " + said);
            }
            return said.strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** Starts a command in the top folder of the project, with both its outputs in one file. */
    Process start(List<String> command, Path output) throws IOException {
        // env looks for the program on the PATH that is set here; Java itself looks on its own.
        List<String> found = new ArrayList<>(List.of("env"));
        found.addAll(command);
        ProcessBuilder builder = new ProcessBuilder(found)
                .directory(Tool.project().toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("SAF_") || name.startsWith("NATS_"));
        builder.environment().putAll(environment);
        Process process = builder.start();
        process.getOutputStream().close();
        return process;
    }

    /** Starts the producer or the consumer as it is delivered, and waits until it is ready. */
    void service(String name, int port, String... settings) {
        List<String> command =
                new ArrayList<>(List.of("run", name, "java", "-jar", jar(name).toString()));
        command.add("--server.port=" + port(port));
        command.add("--management.server.port=" + port(port + 1));
        for (String setting : settings) {
            command.add("--" + setting);
        }
        run(command.toArray(String[]::new));
        try {
            run("ready", "http://127.0.0.1:%d/actuator/health/readiness".formatted(port(port + 1)));
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + log(name), e);
        }
    }

    /** The producer or the consumer as it is delivered. */
    static Path jar(String name) {
        Path jar = Tool.project().resolve("%1$s/target/%1$s-0.1.0-SNAPSHOT-exec.jar".formatted(name));
        if (!Files.exists(jar)) {
            throw new AssertionError(jar + " is not there; `mvn package` makes it");
        }
        return jar;
    }

    @Override
    public void close() {
        run("end");
    }

    /** The first digits of ports that are free, below those that the system gives to clients. */
    private static int freePorts() {
        while (true) {
            int prefix = ThreadLocalRandom.current().nextInt(120, 320);
            if (List.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 21, 22, 23, 24, 25, 26, 31, 32, 33, 34, 35, 36, 41, 42, 43, 51, 61)
                    .stream()
                    .allMatch(last -> isFree(prefix * 100 + last))) {
                return prefix;
            }
        }
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return socket.isBound();
        } catch (IOException e) {
            return false;
        }
    }
}
