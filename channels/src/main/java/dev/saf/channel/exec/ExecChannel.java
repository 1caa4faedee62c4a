package dev.saf.channel.exec;

import dev.saf.channel.Channel;
import dev.saf.channel.RejectedEventException;
import dev.saf.event.CloudEvents;
import dev.saf.event.Event;
import dev.saf.event.TraceContext;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.ProcessBuilder.Redirect;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Runs a command for each event: the payload on its standard input, the attributes in variables {@code CE_ID},
 * {@code CE_SOURCE}, {@code CE_TYPE}, and so on, the subject the event was addressed to in {@code SAF_SUBJECT}, the
 * trace in {@code TRACEPARENT} and {@code TRACESTATE}. Exit code 0 is delivered, some codes are a rejection, everything
 * else is tried again. Nothing of this service's environment is handed on but a few harmless variables.
 */
final class ExecChannel implements Channel {

    private static final Set<String> INHERITED = Set.of("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR");
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final List<String> command;
    private final Set<Integer> rejectedCodes;
    private final Map<String, String> environment;
    private final @Nullable File directory;

    ExecChannel(ExecSettings settings) {
        this.command = Objects.requireNonNull(settings.command());
        this.rejectedCodes = Set.copyOf(Objects.requireNonNull(settings.rejectedCodes()));
        this.environment = Objects.requireNonNull(settings.environment());
        this.directory = settings.directory() == null ? null : new File(settings.directory());
    }

    @Override
    public void deliver(Event event) throws Exception {
        Process process = start(event);
        try {
            ErrorOutput errors = new ErrorOutput(process.getErrorStream());
            // Pipes block the thread that a virtual one would share with others.
            Thread.ofPlatform()
                    .daemon()
                    .name("exec-input")
                    .start(() -> write(event.payload().bytes(), process));
            int code = process.waitFor();
            if (code != 0) {
                fail(code, errors.text(PATIENCE));
            }
        } finally {
            if (process.isAlive()) {
                kill(process);
            }
        }
    }

    /** Whether there is such a program; what it would say, only an event could tell. */
    @Override
    public void check() throws IOException {
        String program = command.getFirst();
        String path = environment.getOrDefault("PATH", System.getenv().getOrDefault("PATH", ""));
        boolean isThere = program.contains(File.separator)
                ? isProgram(new File(program).isAbsolute() ? new File(program) : new File(directory, program))
                : Stream.of(path.split(File.pathSeparator)).anyMatch(folder -> isProgram(new File(folder, program)));
        if (!isThere) {
            throw new IOException("cannot run " + program + ": there is no such program, or it may not be run");
        }
    }

    private static boolean isProgram(File file) {
        return file.isFile() && file.canExecute();
    }

    private Process start(Event event) throws IOException, RejectedEventException {
        ProcessBuilder builder =
                new ProcessBuilder(command).directory(directory).redirectOutput(Redirect.DISCARD);
        Map<String, String> variables = builder.environment();
        variables.keySet().retainAll(INHERITED);
        variables.putAll(environment);
        describe(event, variables);
        try {
            return builder.start();
        } catch (IOException e) {
            if (String.valueOf(e.getMessage()).matches("(?s).*error[=:] ?7\\D.*")) {
                throw new RejectedEventException("the event's attributes are too long for " + command.getFirst());
            }
            throw new IOException("cannot run " + command.getFirst() + ": " + e.getMessage(), e);
        }
    }

    private static void describe(Event event, Map<String, String> variables) {
        variables.put("SAF_SUBJECT", event.subject());
        variables.put("CE_SPECVERSION", CloudEvents.SPEC_VERSION);
        variables.put("CE_ID", event.id());
        variables.put("CE_SOURCE", event.source());
        variables.put("CE_TYPE", event.type());
        if (event.time() != null) {
            variables.put("CE_TIME", event.time().toString());
        }
        String contentType = event.payload().contentType();
        if (contentType != null) {
            variables.put("CE_DATACONTENTTYPE", contentType);
        }
        event.attributes().forEach((name, value) -> variables.put("CE_" + name.toUpperCase(Locale.ROOT), value));
        TraceContext trace = event.trace();
        if (trace != null) {
            put("TRACEPARENT", trace.traceparent(), variables);
            put("TRACESTATE", trace.tracestate(), variables);
        }
    }

    /** A foreign publisher's trace may be anything: left out rather than in the way of the event. */
    private static void put(String name, @Nullable String value, Map<String, String> variables) {
        if (value != null && value.indexOf('\0') < 0) {
            variables.put(name, value);
        }
    }

    private static void write(byte[] payload, Process process) {
        try (OutputStream input = process.getOutputStream()) {
            input.write(payload);
        } catch (IOException e) {
            // A command need not read its input: its exit code decides.
        }
    }

    private void fail(int code, String errors) throws IOException, RejectedEventException {
        String what = command.getFirst() + " ended with exit code " + code + (errors.isEmpty() ? "" : ": " + errors);
        if (rejectedCodes.contains(code)) {
            throw new RejectedEventException(what);
        }
        throw new IOException(what);
    }

    /** With its children, which have to be found before they lose their parent. */
    private static void kill(Process process) {
        List<ProcessHandle> children = process.descendants().toList();
        // By its handle: the process itself would first close the pipe, which blocks while a child does not read it.
        process.toHandle().destroyForcibly();
        children.forEach(child -> {
            child.descendants().forEach(ProcessHandle::destroyForcibly);
            child.destroyForcibly();
        });
    }
}
