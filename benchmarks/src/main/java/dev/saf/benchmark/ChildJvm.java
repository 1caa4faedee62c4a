package dev.saf.benchmark;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A program of this class path in a JVM of its own. */
final class ChildJvm implements AutoCloseable {

    private final Process process;
    private final int port;

    /** Starts a program and waits until it says {@code listening on <port>}. */
    ChildJvm(Class<?> program, List<String> options, List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElse("java"), "-cp", System.getProperty("java.class.path")));
        command.addAll(options);
        command.add(program.getName());
        command.addAll(arguments);
        process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
        BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
        String line = out.readLine();
        StringBuilder said = new StringBuilder();
        while (line != null && !line.startsWith("listening on ")) {
            said.append(line).append('\n');
            line = out.readLine();
        }
        if (line == null) {
            throw new IllegalStateException(program + " did not start:\n" + said);
        }
        port = Integer.parseInt(line.substring("listening on ".length()));
        Thread.ofVirtual().start(() -> drain(out));
    }

    private static void drain(BufferedReader out) {
        try {
            while (out.readLine() != null) {
                // What else it says is of no interest, but must not fill the pipe.
            }
        } catch (IOException e) {
            // The program has ended.
        }
    }

    int port() {
        return port;
    }

    long pid() {
        return process.pid();
    }

    /** The processor time a process has used so far, in seconds. */
    static double cpuSeconds(long pid) throws IOException {
        // utime and stime, in hundredths of a second, see proc(5); the second field may contain spaces.
        String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / 100.0;
    }

    @Override
    public void close() {
        process.destroy();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
