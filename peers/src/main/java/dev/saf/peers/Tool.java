package dev.saf.peers;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A command line tool of a pinned version: a script in {@code tools/}, which gets it the first time. */
public final class Tool {

    /** Long enough to build it. */
    private static final Duration PATIENCE = Duration.ofMinutes(10);

    /** What it said, on both its outputs together, and how it ended. */
    public record Result(int exitCode, String output) {

        /** The output of a success. */
        public String success() {
            if (exitCode != 0) {
                throw new AssertionError("exit code %d: %s".formatted(exitCode, output));
            }
            return output;
        }
    }

    private Tool() {}

    /** The top folder of the project, wherever the test was started. */
    public static Path project() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(folder.resolve("tools"))) {
            folder = folder.getParent();
            if (folder == null) {
                throw new AssertionError("not inside the project");
            }
        }
        return folder;
    }

    /**
     * Starts a tool that goes on, in the top folder of the project. It ends with this JVM at the latest.
     *
     * @param log gets what it says
     */
    public static Process start(Path log, String tool, String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(project().resolve("tools").resolve(tool).toString());
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command)
                .directory(project().toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
        return process;
    }

    /** Runs a tool in the top folder of the project. */
    public static Result run(String tool, String... arguments) throws IOException, InterruptedException {
        return run(Map.of(), tool, arguments);
    }

    /** Runs a tool with environment variables of its own besides the usual ones. */
    public static Result run(Map<String, String> environment, String tool, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(project().resolve("tools").resolve(tool).toString());
        command.addAll(List.of(arguments));
        Path output = Files.createTempFile("saf-" + tool, ".log");
        try {
            ProcessBuilder builder = new ProcessBuilder(command)
                    .directory(project().toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            process.getOutputStream().close();
            if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
                throw new AssertionError(tool + " did not end: " + Files.readString(output));
            }
            return new Result(process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
        } finally {
            Files.delete(output);
        }
    }
}
