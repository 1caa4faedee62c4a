package dev.saf.benchmark;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A program of this class path in a JVM of its own, which answers questions (see {@link Parent}). */
final class ChildJvm implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final String ENDED = "\0";

    private final Process process;
    private final PrintWriter questions;
    private final BlockingQueue<String> answers = new LinkedBlockingQueue<>();
    private final String ready;
    private volatile String lastLine = "nothing";

    /** Starts a program and waits until it is ready. */
    ChildJvm(Class<?> program, String options, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElse("java"), "-cp", System.getProperty("java.class.path")));
        command.addAll(List.of(options.split(" ", -1)));
        command.add(program.getName());
        command.addAll(List.of(arguments));
        process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        questions = new PrintWriter(process.outputWriter(StandardCharsets.UTF_8), true);
        Thread.ofVirtual().start(this::listen);
        ready = answer();
    }

    private void listen() {
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith(Parent.MARK)) {
                    answers.add(line.substring(Parent.MARK.length()));
                } else {
                    lastLine = line;
                }
            }
        } catch (IOException e) {
            // It has ended.
        }
        answers.add(ENDED);
    }

    /** What it said when it was ready. */
    String ready() {
        return ready;
    }

    String ask(Object question) {
        questions.println(question);
        return answer();
    }

    private String answer() {
        @Nullable String answer;
        try {
            answer = answers.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
        if (answer == null || answer.equals(ENDED)) {
            throw new IllegalStateException("a child JVM does not answer; the last it said: " + lastLine);
        }
        return answer;
    }

    long pid() {
        return process.pid();
    }

    @Override
    public void close() {
        // Without ceremony: nothing of what it holds is needed any more.
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
