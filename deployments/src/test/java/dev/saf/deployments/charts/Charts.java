package dev.saf.deployments.charts;

import dev.saf.peers.Tool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The charts of the project, and what Helm makes of them. */
final class Charts {

    static final Path FOLDER = Tool.project().resolve("charts");
    static final Path PRODUCER = FOLDER.resolve("saf-producer");
    static final Path CONSUMER = FOLDER.resolve("saf-consumer");
    static final Path BOTH = FOLDER.resolve("saf");

    /** What the consumer cannot do without. */
    static final String A_CHANNEL = "--set=config.saf.channels.log.type=log";

    private static final String KUBERNETES = "--kube-version=1.34.0";

    /**
     * One way to use a chart.
     *
     * @param chart a folder that Helm takes
     * @param values a file of the chart's folder ci
     */
    record Example(Path chart, Path values) {

        @Override
        public String toString() {
            return chart.getFileName() + " " + values.getFileName();
        }
    }

    private Charts() {}

    /** The examples of the charts of the services. */
    static List<Example> examples() {
        return Stream.of(PRODUCER, CONSUMER)
                .flatMap(chart -> examples(chart, chart).stream())
                .toList();
    }

    /** The examples of the chart of both. */
    static List<Example> examplesOfBoth(Path complete) {
        return examples(BOTH, complete);
    }

    private static List<Example> examples(Path chart, Path complete) {
        try (Stream<Path> files = Files.list(chart.resolve("ci"))) {
            return files.sorted().map(file -> new Example(complete, file)).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Copies the chart of both, with its parts in it, and an empty one in the place of NATS's own, which is not ours to
     * keep here.
     */
    static Path complete(Path folder) throws IOException {
        Path whole = folder.resolve("saf");
        copy(BOTH, whole);
        for (Path part : List.of(PRODUCER, CONSUMER)) {
            copy(part, whole.resolve("charts").resolve(part.getFileName()));
        }
        standIn(whole.resolve("charts/nats"));
        return whole;
    }

    /** Makes an empty chart that is called as NATS's own. */
    static void standIn(Path folder) throws IOException {
        String version = load(BOTH.resolve("Chart.yaml"))
                .get("dependencies")
                .valueStream()
                .filter(dependency -> dependency.get("name").stringValue().equals("nats"))
                .map(dependency -> dependency.get("version").stringValue())
                .findFirst()
                .orElseThrow();
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("Chart.yaml"), "apiVersion: v2\nname: nats\nversion: %s\n".formatted(version));
    }

    static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Path copy = to.resolve(from.relativize(file));
                if (Files.isDirectory(file)) {
                    Files.createDirectories(copy);
                } else {
                    Files.copy(file, copy);
                }
            }
        }
    }

    static Tool.Result lint(Example example) throws IOException, InterruptedException {
        return Tool.run(
                "helm", "lint", "--strict", KUBERNETES, example.chart().toString(), "-f", example.values.toString());
    }

    static Tool.Result template(Path chart, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("template", "release", chart.toString(), KUBERNETES));
        command.addAll(List.of(arguments));
        return Tool.run("helm", command.toArray(String[]::new));
    }

    static Tool.Result template(Example example) throws IOException, InterruptedException {
        return template(example.chart(), "-f", example.values().toString());
    }

    /** The objects that a chart renders. */
    static List<JsonNode> render(Path chart, String... arguments) throws IOException, InterruptedException {
        return objects(template(chart, arguments).success());
    }

    static List<JsonNode> render(Example example) throws IOException, InterruptedException {
        return objects(template(example).success());
    }

    private static List<JsonNode> objects(String documents) {
        JsonMapper mapper = JsonMapper.builder().build();
        return StreamSupport.stream(yaml().loadAll(documents).spliterator(), false)
                .filter(document -> document != null)
                .<JsonNode>map(mapper::valueToTree)
                .toList();
    }

    /** All of one kind. */
    static List<JsonNode> all(List<JsonNode> objects, String kind) {
        return objects.stream()
                .filter(object -> object.get("kind").stringValue().equals(kind))
                .toList();
    }

    /** The one of its kind. */
    static JsonNode only(List<JsonNode> objects, String kind) {
        List<JsonNode> found = all(objects, kind);
        if (found.size() != 1) {
            throw new AssertionError("there are " + found.size() + " of kind " + kind + ": " + found);
        }
        return found.getFirst();
    }

    /** A file in YAML or JSON. */
    static JsonNode load(Path file) throws IOException {
        return JsonMapper.builder().build().valueToTree(yaml().load(Files.readString(file)));
    }

    private static Yaml yaml() {
        return new Yaml(new SafeConstructor(new LoaderOptions()));
    }
}
