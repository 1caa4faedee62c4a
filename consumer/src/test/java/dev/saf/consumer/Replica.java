package dev.saf.consumer;

import static dev.saf.consumer.ScriptedChannelFactory.script;

import dev.saf.natsserver.NatsServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** The service in a process of its own, with a scripted channel audit that writes down what it gets. */
public final class Replica implements AutoCloseable {

    private static final String OFFERED = "offered ";
    private static final String DELIVERED = "delivered ";

    private final Process process;
    private final Path events;

    private Replica(Process process, Path events) {
        this.process = process;
        this.events = events;
    }

    /**
     * Starts one.
     *
     * @param folder gets its log, and what its channel writes down
     * @param takes how long each delivery takes; negative for ever
     */
    public static Replica start(NatsServer nats, Path folder, String name, Duration takes, String... settings)
            throws IOException {
        Path events = Files.createFile(folder.resolve(name));
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Replica.class.getName(),
                events.toString(),
                Long.toString(takes.toMillis())));
        command.addAll(List.of(Consumer.arguments(nats.url(), settings)));
        command.add("--saf.channels.audit.type=scripted");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve(name + ".log").toFile())
                .start();
        return new Replica(process, events);
    }

    /** The ids of events that its channel was called with. */
    public List<String> offered() {
        return lines(OFFERED);
    }

    /** The ids of events that its channel took. */
    public List<String> delivered() {
        return lines(DELIVERED);
    }

    /** SIGKILL, and waits for the end. */
    public void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** SIGTERM, and waits for the end. */
    public void terminate() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(40, TimeUnit.SECONDS)) {
            throw new AssertionError("the process goes on");
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }

    private List<String> lines(String prefix) {
        try {
            return Files.readAllLines(events).stream()
                    .filter(line -> line.startsWith(prefix))
                    .map(line -> line.substring(prefix.length()))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs the service. */
    public static void main(String[] args) {
        Path events = Path.of(args[0]);
        long millis = Long.parseLong(args[1]);
        script("audit", event -> {
            write(events, OFFERED + event.id());
            if (millis < 0) {
                new CountDownLatch(1).await();
            }
            TimeUnit.MILLISECONDS.sleep(millis);
            write(events, DELIVERED + event.id());
        });
        ConsumerApplication.main(Arrays.copyOfRange(args, 2, args.length));
    }

    private static synchronized void write(Path file, String line) throws IOException {
        Files.writeString(file, line + "\n", StandardOpenOption.APPEND);
    }
}
