package dev.saf.deployments.clusters;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.saf.deployments.Operator;
import dev.saf.peers.Tool;
import io.nats.client.NKey;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.util.StringUtils;
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

    @ParameterizedTest
    @CsvSource({
        "accounts,''",
        "nkeys,tls websocket",
        "jwt,encryption",
        "accounts,tls websocket encryption",
    })
    void theValuesOfTheChartAreTakenByTheServer(String login, String choices) throws Exception {
        useCertificate();
        useKeys();
        for (String cluster : List.of("a", "b")) {
            Map<String, Object> merged = new TreeMap<>();
            List<String> files = new ArrayList<>(
                    List.of("cluster", "cluster-" + cluster, "super-cluster", "gateway-" + cluster, login));
            files.addAll(List.of(StringUtils.tokenizeToStringArray(choices, " ")));
            for (String file : files) {
                merge(merged, values(file));
            }
            String text = asTheChartDoes(map(merged.get("config")), "nats-" + cluster + "-0");
            Map<String, Object> environment = map(map(merged.get("container")).get("env"));
            assertThat(environment.keySet()).containsAll(variables(text));
            Path file = Files.writeString(folder.resolve("chart.conf"), text);
            assertThat(command("nats-server", "-t", "-c", file.toString())).contains("is valid");
        }
    }

    @Test
    void theValuesOfTheChartSayWhatTheConfigurationsSay() throws Exception {
        Map<String, Object> config = map(values("cluster").get("config"));
        Map<String, String> operations = settings("operations.conf");
        assertThat(operations).hasSizeGreaterThan(3);
        operations.forEach((name, value) -> assertThat(map(config.get("merge")).get(name))
                .as(name)
                .extracting(Object::toString)
                .isIn(value, "<< " + value + " >>"));
        assertThat(map(map(config.get("jetstream")).get("merge")))
                .containsEntry("sync_interval", settings("cluster.conf").get("sync_interval"));
        assertThat(map(map(map(values("super-cluster").get("config")).get("gateway"))
                        .get("merge")))
                .containsEntry("reject_unknown_cluster", true);
        assertThat(settings("super-cluster.conf")).containsEntry("reject_unknown_cluster", "true");
        Map<String, String> encryption = settings("encryption.conf");
        assertThat(map(map(map(values("encryption").get("config")).get("jetstream"))
                        .get("merge")))
                .containsEntry("cipher", encryption.get("cipher"))
                .containsEntry("key", "<< " + encryption.get("key") + " >>");
    }

    /** As the chart does: `<< x >>` is x itself, a key that ends in $include is such a line. The rest is JSON. */
    private String asTheChartDoes(Map<String, Object> config, String name) {
        Map<String, Object> nats = new TreeMap<>(map(config.get("merge")));
        for (String block : List.of("cluster", "gateway", "jetstream", "resolver")) {
            if (config.get(block) != null) {
                nats.put(block, map(map(config.get(block)).get("merge")));
            }
        }
        map(nats.get("gateway")).put("port", loopback.port(51));
        map(nats.get("cluster")).put("port", loopback.port(41));
        nats.put("server_name", name);
        if (nats.get("resolver") != null) {
            map(nats.get("resolver")).put("dir", folder.resolve("resolver").toString());
        }
        // With the keys that the chart finds in the Secret.
        Map<String, String> certificate = Map.of(
                "cert_file", folder.resolve("localhost.crt").toString(),
                "key_file", folder.resolve("localhost.key").toString());
        if (config.get("nats") != null) {
            assertThat(map(map(config.get("nats")).get("tls"))).containsEntry("enabled", true);
            nats.put("tls", certificate);
        }
        if (config.get("websocket") != null) {
            assertThat(map(map(config.get("websocket")).get("tls"))).containsEntry("enabled", true);
            nats.put("websocket", Map.of("port", loopback.port(61), "tls", certificate));
        }
        String text = JSON.writeValueAsString(nats)
                .replaceAll("\"[^\"]*[$]include\":\"([^\"]*)\",?", "include $1;")
                .replaceAll("\"<<\\s+(.*?)\\s+>>\"", "$1");
        return text.substring(1, text.length() - 1);
    }

    /** The variables of a configuration, and of what it includes. */
    private Set<String> variables(String text) throws IOException {
        Set<String> variables = new TreeSet<>();
        Pattern.compile("[$](NATS_\\w+)").matcher(text).results().forEach(found -> variables.add(found.group(1)));
        for (MatchResult included : Pattern.compile("include ./(\\w+[.]conf)")
                .matcher(text)
                .results()
                .toList()) {
            variables.addAll(variables(Files.readString(folder.resolve(included.group(1)))));
        }
        return variables;
    }

    /** What a configuration says in lines of its own. */
    private Map<String, String> settings(String file) throws IOException {
        Map<String, String> settings = new TreeMap<>();
        Pattern.compile("(?m)^ *(\\w+): \"?([^\"{\\n]+)\"?$")
                .matcher(Files.readString(folder.resolve(file)))
                .results()
                .forEach(line -> settings.put(line.group(1), line.group(2)));
        return settings;
    }

    /** Public keys in the place of the variables for them, and an operator. */
    private void useKeys() throws Exception {
        Path file = folder.resolve("nkeys.conf");
        String text = Files.readString(file);
        for (String user : List.of("PRODUCER", "CONSUMER", "OPERATOR", "SYSTEM")) {
            text = text.replace(
                    "$NATS_" + user + "_NKEY",
                    new String(NKey.createUser(new SecureRandom()).getPublicKey()));
        }
        Files.writeString(file, text);
        Operator operator = Operator.make();
        loopback.with("NATS_OPERATOR_JWT", operator.jwt())
                .with("NATS_SYSTEM_ACCOUNT", operator.systemAccount())
                .with("NATS_RESOLVER_PRELOAD", operator.preload())
                .with("NATS_ENCRYPTION_KEY", "0123456789abcdef0123456789abcdef");
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
