package dev.saf.deployments;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import dev.saf.natsserver.NatsServer;
import dev.saf.peers.Tool;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What {@code docs/supply-chain.md} says of the jars that are delivered. */
class SupplyChainIT {

    private static final String PAGE = "docs/supply-chain.md";
    private static final Pattern ROW = Pattern.compile("(?m)^\\| (`.+`) \\| (.+) \\|$");
    private static final Pattern CODE = Pattern.compile("`([^`]+)`");
    private static final String BILL = "META-INF/sbom/application.cdx.json";

    /** Unpacks a jar into layers, and is put there by the plugin that makes the jar. */
    private static final String UNPACKER = "spring-boot-jarmode-tools-";

    /** Names other jars and is empty, so that plugin leaves it out. */
    private static final String STARTER = "spring-boot-starter";

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"producer", "consumer"})
    void theBillOfMaterialsHasWhatIsInTheJar(String service) throws Exception {
        Map<String, String> told = new TreeMap<>();
        components(service).stream()
                .filter(component -> !component.get("name").stringValue().startsWith(STARTER))
                .forEach(component -> told.put(
                        component.get("name").stringValue() + "-"
                                + component.get("version").stringValue() + ".jar",
                        sha256(component)));
        Map<String, String> real = new TreeMap<>();
        try (JarFile jar = new JarFile(jar(service).toFile())) {
            for (JarEntry entry : jar.stream()
                    .filter(entry -> entry.getName().startsWith("BOOT-INF/lib/") && !entry.isDirectory())
                    .toList()) {
                String name = entry.getName().substring("BOOT-INF/lib/".length());
                if (!name.startsWith(UNPACKER)) {
                    real.put(name, sha256(jar, entry));
                }
            }
        }
        assertThat(real).hasSizeGreaterThan(50);
        assertThat(told).isEqualTo(real);
    }

    @Test
    void everyLicenceIsOneThatIsAllowed() throws Exception {
        Map<String, Set<String>> told = new TreeMap<>();
        ROW.matcher(Files.readString(Tool.project().resolve(PAGE)))
                .results()
                .forEach(row -> told.put(
                        row.group(1),
                        CODE.matcher(row.group(2))
                                .results()
                                .map(name -> name.group(1))
                                .collect(Collectors.toCollection(TreeSet::new))));
        assertThat(told).containsKey("`Apache-2.0`");
        Map<String, Set<String>> others = new TreeMap<>();
        for (String service : List.of("producer", "consumer")) {
            for (JsonNode component : components(service)) {
                String name = component.get("group").stringValue() + ":"
                        + component.get("name").stringValue();
                String licence = licence(component);
                assertThat(told)
                        .as(
                                "%s is delivered under %s, which %s does not allow: add the licence there if it may be"
                                        + " delivered with Saf, or do without %s",
                                name, licence, PAGE, name)
                        .containsKey(licence);
                if (!licence.equals("`Apache-2.0`")) {
                    others.computeIfAbsent(licence, key -> new TreeSet<>()).add(name);
                }
            }
        }
        told.remove("`Apache-2.0`");
        assertThat(told)
                .as("%s names who is delivered under which licence", PAGE)
                .isEqualTo(others);
    }

    @Test
    void isShownToThoseWhoAskedForIt() throws Exception {
        assertThat(bill("producer").statusCode()).isEqualTo(404);
        HttpResponse<String> shown = bill(
                "consumer",
                "management.endpoints.web.exposure.include=health,info,prometheus,sbom",
                "management.endpoint.sbom.access=read-only");
        assertThat(shown.statusCode()).isEqualTo(200);
        assertThat(JsonMapper.builder().build().readTree(shown.body())).isEqualTo(document("consumer"));
    }

    /** In CI, where target is new: what an older one has may be of other sources. */
    @Test
    void isTheSameWhereverItIsBuilt() throws Exception {
        assumeThat(System.getenv("SAF_PEERS")).isEqualTo("required");
        Path output = folder.resolve("output");
        ProcessBuilder reproducible = new ProcessBuilder(
                        Tool.project().resolve("deployments/reproducible").toString(), "target")
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        // Maven says in each jar on which Java it has run itself.
        reproducible.environment().put("JAVA_HOME", requireNonNull(System.getProperty("java.of.maven")));
        Process build = reproducible.start();
        build.getOutputStream().close();
        assertThat(build.waitFor(10, TimeUnit.MINUTES)).isTrue();
        assertThat(build.exitValue()).as(Files.readString(output)).isZero();
        assertThat(output).content().contains("producer-0.1.0-SNAPSHOT-exec.jar", "consumer-0.1.0-SNAPSHOT-exec.jar");
    }

    private static Path jar(String service) {
        return Tool.project().resolve("%1$s/target/%1$s-0.1.0-SNAPSHOT-exec.jar".formatted(service));
    }

    private static List<JsonNode> components(String service) throws IOException {
        return document(service).get("components").valueStream().toList();
    }

    private static JsonNode document(String service) throws IOException {
        try (JarFile jar = new JarFile(jar(service).toFile())) {
            JarEntry bill = jar.getJarEntry(BILL);
            if (!"required".equals(System.getenv("SAF_PEERS"))) {
                assumeThat(bill)
                        .as("the bill of materials, which Maven does not make when it is offline")
                        .isNotNull();
            }
            assertThat(jar.getManifest().getMainAttributes().getValue("Sbom-Location"))
                    .isEqualTo(BILL);
            return JsonMapper.builder().build().readTree(jar.getInputStream(requireNonNull(bill)));
        }
    }

    /** The licences of a component, of which one may choose. */
    private static String licence(JsonNode component) {
        List<String> licences = new ArrayList<>();
        for (JsonNode each : component.path("licenses")) {
            JsonNode licence = each.path("license");
            licences.add("`"
                    + (licence.has("id") ? licence.get("id") : licence.path("name")).asString(each.toString())
                    + "`");
        }
        return licences.isEmpty() ? "no licence" : String.join(" or ", licences);
    }

    private static String sha256(JsonNode component) {
        return component
                .get("hashes")
                .valueStream()
                .filter(hash -> hash.get("alg").stringValue().equals("SHA-256"))
                .map(hash -> hash.get("content").stringValue())
                .findFirst()
                .orElseThrow();
    }

    private static String sha256(JarFile jar, JarEntry entry) throws IOException, GeneralSecurityException {
        try (InputStream content = jar.getInputStream(entry)) {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content.readAllBytes()));
        }
    }

    /** What a service shows on its management port. */
    private HttpResponse<String> bill(String service, String... settings) throws Exception {
        Path log = folder.resolve(service + ".log");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-jar",
                jar(service).toString(),
                "--server.port=0",
                "--management.server.port=0",
                "--saf.channels.log.type=log"));
        for (String setting : settings) {
            command.add("--" + setting);
        }
        try (NatsServer nats = NatsServer.start();
                HttpClient client = HttpClient.newHttpClient()) {
            command.add("--saf.nats.servers=" + nats.url());
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            try {
                URI uri = URI.create("http://127.0.0.1:" + managementPort(process, log) + "/actuator/sbom/application");
                return client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString());
            } finally {
                process.destroyForcibly().onExit().join();
            }
        }
    }

    /** Tomcat says which ones it was given; the management port is the last. */
    private static String managementPort(Process process, Path log) {
        Pattern started = Pattern.compile("Tomcat started on port (\\d+)");
        await().atMost(Duration.ofSeconds(90)).until(() -> {
            assertThat(process.isAlive()).as(Files.readString(log)).isTrue();
            return started.matcher(Files.readString(log)).results().count() == 2;
        });
        try {
            return started.matcher(Files.readString(log, StandardCharsets.UTF_8))
                    .results()
                    .map(MatchResult::group)
                    .toList()
                    .getLast()
                    .replaceAll("\\D+", "");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
