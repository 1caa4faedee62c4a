package dev.saf.deployments.clusters;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.saf.peers.Tool;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.Yaml;
import tools.jackson.databind.json.JsonMapper;

/** The lines in {@code deployments/nats} that are a choice. Those that are not are used by all the other tests. */
class NatsConfigurationsIT {

    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    private Path folder;

    private Loopback loopback;

    @BeforeEach
    void prepare() throws Exception {
        loopback = new Loopback(folder)
                .with("NATS_PRODUCER_PASSWORD", "p")
                .with("NATS_CONSUMER_PASSWORD", "c")
                .with("NATS_OPERATOR_PASSWORD", "o")
                .with("NATS_SYSTEM_PASSWORD", "s");
        try (Stream<Path> files = Files.list(Tool.project().resolve("deployments/nats"))) {
            for (Path file :
                    files.filter(file -> file.toString().endsWith(".conf")).toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
    }

    @AfterEach
    void end() {
        loopback.close();
    }

    @Test
    void clientsTalkTls() throws Exception {
        useCertificate();
        start("tls");
        assertThat(nats("tls://operator:o@localhost:" + loopback.port(21))).contains("Account: SAF");
        // Who does not trust the certificate does not talk.
        loopback.with("NATS_CA", "");
        assertThatThrownBy(() -> nats("tls://operator:o@localhost:" + loopback.port(21)))
                .hasMessageContaining("certificate");
    }

    @Test
    void clientsTalkWebSocket() throws Exception {
        useCertificate();
        start("websocket");
        assertThat(nats("wss://operator:o@localhost:" + loopback.port(61))).contains("Account: SAF");
    }

    @Test
    void whatIsOnTheDiskIsEncrypted() throws Exception {
        String text = "nobody shall read this";
        start();
        store(text);
        assertThat(onDisk()).contains(text);
        loopback.run("end");
        delete(folder.resolve("a1"));
        loopback.with("NATS_ENCRYPTION_KEY", "0123456789abcdef0123456789abcdef");
        start("encryption");
        store(text);
        assertThat(onDisk()).doesNotContain(text);
    }

    @Test
    void theServersSayWhatIsWrongWithThem() throws Exception {
        for (String server : List.of("single", "cluster", "super-cluster")) {
            Path output = folder.resolve(server + ".txt");
            int code = loopback.start(
                            List.of(
                                    "nats-server",
                                    "-t",
                                    "-c",
                                    folder.resolve(server + ".conf").toString()),
                            output)
                    .waitFor();
            assertThat(code).isNotZero();
            assertThat(output).content().contains("variable reference for 'NATS_NAME'", "can not be found");
        }
    }

    /** As the chart does: `<< x >>` is x itself, a key that ends in $include is such a line. The rest is JSON. */
    @Test
    void theValuesOfTheChartAreTakenByTheServer() throws Exception {
        for (String cluster : List.of("a", "b")) {
            Map<String, Object> merged = new TreeMap<>();
            for (String file : List.of("cluster", "cluster-" + cluster, "super-cluster", "gateway-" + cluster)) {
                merge(merged, values(file));
            }
            Map<String, Object> config = map(merged.get("config"));
            Map<String, Object> nats = new TreeMap<>(map(config.get("merge")));
            for (String block : List.of("cluster", "gateway", "jetstream")) {
                nats.put(block, map(config.get(block)).get("merge"));
            }
            map(nats.get("gateway")).put("port", loopback.port(51));
            map(nats.get("cluster")).put("port", loopback.port(41));
            nats.put("server_name", "nats-" + cluster + "-0");
            String text = JSON.writeValueAsString(nats)
                    .replaceAll("\"[^\"]*[$]include\":\"([^\"]*)\",?", "include $1;")
                    .replaceAll("\"<<\\s+(.*?)\\s+>>\"", "$1");
            assertThat(text).contains("include ./accounts.conf;");
            Path file = Files.writeString(folder.resolve("chart.conf"), text.substring(1, text.length() - 1));
            assertThat(command("nats-server", "-t", "-c", file.toString())).contains("is valid");
            assertThat(map(merged.get("container")).get("env"))
                    .asInstanceOf(InstanceOfAssertFactories.MAP)
                    .containsKeys("NATS_PRODUCER_PASSWORD", "NATS_CONSUMER_PASSWORD");
        }
    }

    private static Map<String, Object> values(String file) throws IOException {
        return map(
                new Yaml().load(Files.readString(Tool.project().resolve("deployments/nats/helm/" + file + ".yaml"))));
    }

    /** What comes later wins, as with several files of values. */
    private static void merge(Map<String, Object> into, Map<String, Object> from) {
        from.forEach((key, value) -> {
            if (value instanceof Map && into.get(key) instanceof Map) {
                merge(map(into.get(key)), map(value));
            } else {
                into.put(key, value);
            }
        });
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(@Nullable Object yaml) {
        return (Map<String, Object>) requireNonNull(yaml);
    }

    /** Starts a single server with lines that are comments in its configuration as it is. */
    private void start(String... choices) throws IOException {
        Path file = folder.resolve("single.conf");
        String text = Files.readString(file);
        for (String choice : choices) {
            String line = "include ./" + choice + ".conf";
            assertThat(text).contains("# " + line);
            text = text.replace("# " + line, line);
        }
        Files.writeString(file, text);
        loopback.run("server", "a1", file.toString());
        loopback.run("current", "a1");
    }

    private String nats(String url) throws Exception {
        return command("nats", "--server", url, "account", "info");
    }

    private void store(String text) throws Exception {
        String url = "nats://operator:o@127.0.0.1:" + loopback.port(21);
        command("nats", "--server", url, "stream", "add", "secrets", "--subjects", "secrets", "--defaults");
        command("nats", "--server", url, "request", "secrets", text);
    }

    private String onDisk() throws IOException {
        StringBuilder all = new StringBuilder();
        try (Stream<Path> files = Files.walk(folder.resolve("a1"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                all.append(Files.readString(file, StandardCharsets.ISO_8859_1));
            }
        }
        assertThat(all).isNotEmpty();
        return all.toString();
    }

    private void useCertificate() throws Exception {
        Path certificate = folder.resolve("localhost.crt");
        Path key = folder.resolve("localhost.key");
        command(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost",
                "-keyout",
                key.toString(),
                "-out",
                certificate.toString());
        loopback.with("NATS_CERTIFICATE", certificate.toString())
                .with("NATS_CERTIFICATE_KEY", key.toString())
                .with("NATS_CA", certificate.toString());
    }

    private String command(String... command) throws Exception {
        Path output = Files.createTempFile(folder, "command", ".txt");
        int code = loopback.start(List.of(command), output).waitFor();
        String said = Files.readString(output);
        if (code != 0) {
            throw new AssertionError(said);
        }
        return said;
    }

    private static void delete(Path tree) throws IOException {
        try (Stream<Path> files = Files.walk(tree)) {
            for (Path file : files.sorted((one, other) -> other.compareTo(one)).toList()) {
                Files.delete(file);
            }
        }
    }
}
