package dev.saf.local;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The walk-throughs in docs/examples do what they say: the commands are those of the page, pasted into shells, and what
 * they print is compared with the page. Only ports differ, and Saf is started from these classes.
 */
@Timeout(180)
class ExampleIT {

    private static final Path EXAMPLES =
            Path.of("../docs/examples").toAbsolutePath().normalize();

    /** A command, and what it prints if that stands below it. */
    private static final Pattern STEP = Pattern.compile("(?ms)^```sh\\n(.*?)^```$(?:\\n\\n^```text\\n(.*?)^```$)?");

    private static final String START = "mvn spring-boot:run";
    private static final String START_HERE =
            "java -XX:TieredStopAtLevel=1 -cp \"$CLASSES\" dev.saf.local.LocalApplication";
    private static final String END = "== end of a step ==";

    @TempDir
    private Path folder;

    private final Map<String, String> environment = new TreeMap<>();
    private final List<Process> terminals = new ArrayList<>();

    private record Step(String command, @Nullable String printed) {}

    @AfterEach
    void close() {
        for (Process terminal : terminals) {
            terminal.descendants().forEach(ProcessHandle::destroyForcibly);
            terminal.destroyForcibly().onExit().join();
        }
    }

    @Test
    void theFailingWebhookIsAsItSays() throws Exception {
        Map<String, String> ports = LocalProcess.freePorts();
        environment.putAll(ports);
        environment.put("CLASSES", System.getProperty("java.class.path"));
        environment.put(
                "PATH", Path.of(System.getProperty("java.home"), "bin") + File.pathSeparator + System.getenv("PATH"));
        Map<String, String> here = Map.of(
                START,
                START_HERE,
                "9080",
                String.valueOf(freePort()),
                "127.0.0.1:1378",
                "127.0.0.1:" + ports.get("SAF_LOCAL_PRODUCER_PORT"),
                "127.0.0.1:1380",
                "127.0.0.1:" + ports.get("SAF_LOCAL_CONSUMER_PORT"));
        Files.createDirectories(folder.resolve("docs/examples"));
        for (String name : List.of("Receiver.java", "failing-webhook.yml")) {
            Files.writeString(
                    folder.resolve("docs/examples").resolve(name), put(here, Files.readString(EXAMPLES.resolve(name))));
        }
        String page = Files.readString(EXAMPLES.resolve("failing-webhook.md"));
        assertThat(page).contains(here.keySet());
        List<Step> steps = steps(put(here, page));
        assertThat(steps).hasSizeGreaterThan(6).noneMatch(step -> step.printed() == null);
        // The first two go on until the end.
        steps.subList(0, 2).forEach(this::open);
        walk(steps.subList(2, steps.size()));
    }

    private static String put(Map<String, String> here, String text) {
        String any = here.keySet().stream().map(Pattern::quote).collect(Collectors.joining("|"));
        return Pattern.compile(any)
                .matcher(text)
                .replaceAll(found -> Matcher.quoteReplacement(requireNonNull(here.get(found.group()))));
    }

    private static List<Step> steps(String page) {
        List<Step> steps = STEP.matcher(page)
                .results()
                .map(step -> new Step(step.group(1), step.group(2)))
                .toList();
        // No output stands alone, and none is taken for another's.
        assertThat(page.split("```text\n", -1)).hasSize(steps.size() + 1);
        return steps;
    }

    /** A terminal in which something runs until the end. */
    private void open(Step step) {
        try {
            Path output = Files.createTempFile(folder, "terminal", ".txt");
            terminals.add(shell(step.command(), output));
            await().atMost(Duration.ofSeconds(60))
                    .untilAsserted(() -> assertThat(Files.readString(output))
                            .as(step.command())
                            .containsPattern(pattern(step)));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** All steps in one more terminal. */
    private void walk(List<Step> steps) throws Exception {
        String script = steps.stream()
                .map(step -> step.command() + "echo '" + END + "'\n")
                .collect(Collectors.joining("", "set -eu\n", ""));
        Path output = folder.resolve("walk.txt");
        Process walk = shell(script, output);
        terminals.add(walk);
        boolean ended = walk.waitFor(60, TimeUnit.SECONDS);
        String[] printed = Files.readString(output).split(Pattern.quote(END + "\n"), -1);
        for (int i = 0; i < steps.size(); i++) {
            assertThat(i < printed.length ? printed[i] : "nothing, since a step before it did not end")
                    .as(steps.get(i).command())
                    .matches(pattern(steps.get(i)));
        }
        assertThat(ended).isTrue();
        assertThat(walk.exitValue()).isZero();
    }

    private Process shell(String commands, Path output) throws IOException {
        ProcessBuilder shell = new ProcessBuilder("bash", "-c", commands)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        shell.environment().putAll(environment);
        return shell.start();
    }

    private static Pattern pattern(Step step) {
        return Pattern.compile(Stream.of(String.valueOf(step.printed()).split("…", -1))
                .map(Pattern::quote)
                .collect(Collectors.joining(".*")));
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
