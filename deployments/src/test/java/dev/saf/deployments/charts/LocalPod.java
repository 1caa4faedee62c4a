package dev.saf.deployments.charts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.peers.Tool;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The container of a rendered Deployment as a node would run it, with the service's jar in the place of the image: the
 * environment it is given and no other, and the files that are mounted, below a folder instead of the root.
 */
final class LocalPod implements AutoCloseable {

    private static final Pattern MOUNTED = Pattern.compile("/etc/saf/[^\\s\"']*");
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final Path root;
    private final Path log;
    private final List<JsonNode> objects;
    private final JsonNode spec;
    private final JsonNode container;
    private final Map<String, Map<String, String>> secrets;
    private final Process process;
    private final HttpClient client = HttpClient.newHttpClient();

    /**
     * Starts it.
     *
     * @param module whose jar runs
     * @param secrets the Secrets there are besides the rendered ones: by name, what they have by key
     */
    LocalPod(Path folder, String module, List<JsonNode> objects, Map<String, Map<String, String>> secrets)
            throws IOException {
        this(folder, module, objects, secrets, "containers");
    }

    /** Starts the first container of a list, such as {@code initContainers}. */
    LocalPod(
            Path folder,
            String module,
            List<JsonNode> objects,
            Map<String, Map<String, String>> secrets,
            String containers)
            throws IOException {
        this.root = Files.createDirectories(folder.resolve("root"));
        this.log = folder.resolve("log");
        this.objects = List.copyOf(objects);
        this.spec = Charts.only(objects, "Deployment").at("/spec/template/spec");
        this.container = spec.at("/" + containers + "/0");
        this.secrets = new TreeMap<>(secrets);
        Charts.all(objects, "Secret").forEach(secret -> this.secrets.put(name(secret), content(secret, "stringData")));
        mount();
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-jar",
                jar(module).toString()));
        container.path("args").valueStream().forEach(argument -> command.add(argument.stringValue()));
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(Files.createDirectories(folder.resolve("work")).toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().clear();
        builder.environment().putAll(environment());
        this.process = builder.start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
    }

    private static Path jar(String module) throws IOException {
        try (Stream<Path> files = Files.list(Tool.project().resolve(module).resolve("target"))) {
            return files.filter(file -> file.toString().endsWith("-exec.jar"))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("package " + module + " first"));
        }
    }

    private void mount() throws IOException {
        for (JsonNode mount : container.get("volumeMounts")) {
            Path folder = Files.createDirectories(
                    root.resolve(mount.get("mountPath").stringValue().substring(1)));
            JsonNode volume = named(spec.get("volumes"), mount.get("name").stringValue());
            if (volume.has("configMap")) {
                String name = volume.at("/configMap/name").stringValue();
                JsonNode config = Charts.all(objects, "ConfigMap").stream()
                        .filter(map -> name(map).equals(name))
                        .findFirst()
                        .orElseThrow();
                write(folder, content(config, "data"));
            } else if (volume.has("secret")) {
                write(folder, secret(volume.at("/secret/secretName").stringValue()));
            } else {
                assertThat(volume.has("emptyDir")).as(volume.toString()).isTrue();
            }
        }
        // Only now that all files are there it can be said whether one is missing.
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.writeString(file, local(Files.readString(file)));
            }
        }
    }

    private static void write(Path folder, Map<String, String> files) throws IOException {
        for (Map.Entry<String, String> file : files.entrySet()) {
            Files.writeString(folder.resolve(file.getKey()), file.getValue());
        }
    }

    private Map<String, String> environment() {
        Map<String, String> environment = new TreeMap<>();
        for (JsonNode variable : container.get("env")) {
            JsonNode reference = variable.at("/valueFrom/secretKeyRef");
            String value = reference.isMissingNode()
                    ? variable.get("value").stringValue()
                    : Objects.requireNonNull(
                            secret(reference.get("name").stringValue())
                                    .get(reference.get("key").stringValue()),
                            reference.toString());
            environment.put(variable.get("name").stringValue(), local(value));
        }
        return environment;
    }

    /** A text in which the paths of mounted files are those they have here. Each must be one that is mounted. */
    private String local(String text) {
        return MOUNTED.matcher(text).replaceAll(path -> {
            Path local = root.resolve(path.group().substring(1));
            assertThat(local).exists();
            return local + (path.group().endsWith("/") ? "/" : "");
        });
    }

    private Map<String, String> secret(String name) {
        return Objects.requireNonNull(secrets.get(name), "no Secret " + name);
    }

    private static Map<String, String> content(JsonNode object, String field) {
        Map<String, String> content = new TreeMap<>();
        object.get(field)
                .properties()
                .forEach(each -> content.put(each.getKey(), each.getValue().stringValue()));
        return content;
    }

    private static String name(JsonNode object) {
        return object.at("/metadata/name").stringValue();
    }

    private static JsonNode named(JsonNode list, String name) {
        return list.valueStream()
                .filter(each -> each.get("name").stringValue().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("nothing called " + name + " in " + list));
    }

    /** Where one of its ports can be reached. */
    URI at(String port, String path) {
        return URI.create("http://127.0.0.1:"
                + named(container.get("ports"), port).get("containerPort").intValue() + path);
    }

    /** Waits until a probe says yes. */
    void awaitProbe(String probe) {
        JsonNode get = container.at("/" + probe + "/httpGet");
        URI uri = at(get.get("port").stringValue(), get.get("path").stringValue());
        await().atMost(PATIENCE).until(() -> {
            if (!process.isAlive()) {
                throw new AssertionError("ended: " + Files.readString(log));
            }
            HttpResponse<String> response = answer(HttpRequest.newBuilder(uri).build());
            return response != null && response.statusCode() == 200;
        });
    }

    /** What it has logged so far. */
    String log() throws IOException {
        return Files.readString(log);
    }

    /** Waits until it has ended by itself, and returns its exit code. */
    int awaitEnd() throws InterruptedException {
        assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }

    /** Posts an event. */
    @Nullable
    HttpResponse<String> post(String event) throws InterruptedException {
        return answer(HttpRequest.newBuilder(at("http", "/api/event"))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(event))
                .build());
    }

    private @Nullable HttpResponse<String> answer(HttpRequest request) throws InterruptedException {
        try {
            return client.send(request, BodyHandlers.ofString());
        } catch (IOException e) {
            // Does not listen yet.
            return null;
        }
    }

    /** Asks what the pod of {@code helm test} asks, by the Service it names. */
    @Nullable
    HttpResponse<String> test() throws InterruptedException {
        JsonNode address = Charts.only(objects, "Pod").at("/spec/containers/0/args/0");
        URI uri = at(
                new Release(objects).target(address),
                URI.create(address.stringValue()).getPath());
        return answer(HttpRequest.newBuilder(uri).build());
    }

    /** Ends it as Kubernetes does. True if it has ended when Kubernetes would kill it. */
    boolean endsInTime() throws InterruptedException {
        int patience = spec.get("terminationGracePeriodSeconds").intValue()
                - container.at("/lifecycle/preStop/sleep/seconds").asInt(0);
        process.destroy();
        return process.waitFor(patience, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
        client.close();
    }
}
