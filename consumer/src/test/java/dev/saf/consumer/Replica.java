package dev.saf.consumer;

import static dev.saf.consumer.ScriptedChannelFactory.script;

import dev.saf.channel.Channel;
import dev.saf.channel.RejectedEventException;
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
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

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
        return start(nats, folder, name, Files.createFile(folder.resolve(name)), takes.toMillis() + "", settings);
    }

    /**
     * Starts one whose channel fails at random, and takes a few milliseconds otherwise.
     *
     * @param journal where several write down what they get, each line beginning with the replica's name
     */
    public static Replica startMoody(NatsServer nats, Path folder, String name, Path journal, String... settings)
            throws IOException {
        return start(nats, folder, name, journal, name, settings);
    }

    private static Replica start(
            NatsServer nats, Path folder, String name, Path events, String behaviour, String... settings)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Replica.class.getName(),
                events.toString(),
                behaviour));
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

    /** SIGSTOP: from now on it does nothing, while its connections stay open. */
    public void freeze() throws IOException, InterruptedException {
        signal("STOP");
    }

    /** SIGCONT: it goes on, and does not know that it was away. */
    public void thaw() throws IOException, InterruptedException {
        signal("CONT");
    }

    private void signal(String name) throws IOException, InterruptedException {
        int failed = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                .inheritIO()
                .start()
                .waitFor();
        if (failed != 0) {
            throw new AssertionError("could not send SIG" + name);
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
        script("audit", args[1].matches("-?\\d+") ? steady(events, Long.parseLong(args[1])) : moody(events, args[1]));
        ConsumerApplication.main(Arrays.copyOfRange(args, 2, args.length));
    }

    private static Channel steady(Path events, long millis) {
        return event -> {
            write(events, OFFERED + event.id());
            if (millis < 0) {
                new CountDownLatch(1).await();
            }
            TimeUnit.MILLISECONDS.sleep(millis);
            write(events, DELIVERED + event.id());
        };
    }

    /** A fortieth is in trouble and fails mostly, a ninetieth is never taken, and any may fail. */
    private static Channel moody(Path events, String name) {
        return event -> {
            write(events, name + " " + OFFERED + event.id());
            RandomGenerator random = ThreadLocalRandom.current();
            TimeUnit.MILLISECONDS.sleep(random.nextInt(8));
            int lot = Math.floorMod(event.id().hashCode(), 360);
            if (lot % 90 == 1) {
                throw new RejectedEventException("not this one");
            }
            if (random.nextInt(100) < (lot % 40 == 0 ? 75 : 1)) {
                throw new IllegalStateException("not now");
            }
            write(events, name + " " + DELIVERED + event.id());
        };
    }

    private static synchronized void write(Path file, String line) throws IOException {
        Files.writeString(file, line + "\n", StandardOpenOption.APPEND);
    }
}
