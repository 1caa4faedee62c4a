package dev.saf.deployments.clusters;

import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.peers.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A page of {@code docs/operations}: its commands are run as they stand there, in one shell, and what they print is
 * compared with what the page says, where … is anything. Only the ports differ.
 */
final class Walk {

    /** A command, and what it prints if that stands below it. */
    private static final Pattern STEP = Pattern.compile("(?ms)^```sh\\n(.*?)^```$(?:\\n\\n^```text\\n(.*?)^```$)?");

    private static final String END = "== end of a step ==";

    private final String page;
    private final List<Step> steps;

    private record Step(String command, @Nullable String printed) {}

    private Walk(String page, List<Step> steps) {
        this.page = page;
        this.steps = steps;
    }

    static Walk of(String page) throws IOException {
        String text = Files.readString(Tool.project().resolve("docs/operations/" + page + ".md"));
        List<Step> steps = STEP.matcher(text)
                .results()
                .map(step -> new Step(step.group(1), step.group(2)))
                .toList();
        // No output stands alone, and none is taken for another's.
        assertThat(text.split("```text\n", -1))
                .hasSize((int) steps.stream()
                                .filter(step -> step.printed != null)
                                .count()
                        + 1);
        return new Walk(page, steps);
    }

    /** The same without one step, which is known by a part of its command. */
    Walk without(String part) {
        List<Step> others =
                steps.stream().filter(step -> !step.command.contains(part)).toList();
        assertThat(others).hasSize(steps.size() - 1);
        return new Walk(page, others);
    }

    /** Takes it, and compares. */
    void take(Path folder) throws IOException, InterruptedException {
        try (Loopback loopback = new Loopback(folder)) {
            // The folder of the page is inside the project; here it is one of its own.
            String script = steps.stream()
                    .map(step -> loopback.withPorts(step.command).replaceFirst("(?m)^export WALK=.*$", ":") + "echo '"
                            + END + "'\n")
                    .collect(Collectors.joining("", "set -eu\n", ""));
            Path output = Files.createTempFile("saf-walk", ".txt");
            Process walk = loopback.start(List.of("bash", "-c", script), output);
            boolean ended = walk.waitFor(150, TimeUnit.SECONDS);
            walk.descendants().forEach(ProcessHandle::destroyForcibly);
            walk.destroyForcibly();
            compare(Files.readString(output));
            assertThat(ended).as(page + " comes to its end").isTrue();
            assertThat(walk.waitFor()).as("exit code of " + page).isZero();
            Files.delete(output);
        }
    }

    private void compare(String output) {
        String[] printed = output.split(Pattern.quote(END + "\n"), -1);
        for (int i = 0; i < steps.size(); i++) {
            String actual = i < printed.length - 1 ? printed[i] : printed[printed.length - 1] + "(and no end)";
            String expected = steps.get(i).printed;
            if (expected == null) {
                assertThat(i)
                        .as("%s came to its end: %s%s", page, steps.get(i).command, actual)
                        .isLessThan(printed.length - 1);
            } else {
                System.out.println(actual);
                assertThat(actual).as(steps.get(i).command).matches(pattern(expected));
            }
        }
    }

    private static Pattern pattern(String printed) {
        return Stream.of(printed.split("…", -1))
                .map(Pattern::quote)
                .collect(Collectors.collectingAndThen(
                        Collectors.joining(".*"), all -> Pattern.compile(all, Pattern.DOTALL)));
    }
}
