package dev.saf.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LocalRunIT {

    private static final Pattern CURL =
            Pattern.compile("curl -i (?<address>\\S+) -H 'Content-Type: application/json' -d '(?<body>[^']+)'");

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"INT", "TERM"})
    void carriesAFirstEventIntoTheLogAndLeavesNoProcessBehind(String signal) throws Exception {
        try (LocalProcess saf = LocalProcess.start(folder, LocalProcess.freePorts())) {
            saf.awaitStart();
            List<ProcessHandle> descendants = saf.descendants();
            assertThat(descendants).isNotEmpty();

            HttpResponse<String> answer = sendWhatCurlWould(saf.output());
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
            saf.awaitOutput("ride.accepted");

            saf.signal(signal);
            assertThat(saf.awaitExit()).as(saf.output()).isZero();
            assertThat(saf.output()).contains("Saf has stopped.").doesNotContain("did not stop in order");
            await().atMost(Duration.ofSeconds(5))
                    .untilAsserted(() -> assertThat(descendants).noneMatch(ProcessHandle::isAlive));
            assertThat(folder.resolve(".saf/pid")).doesNotExist();
            assertThat(folder.resolve(".saf/nats/jetstream")).isDirectory();
        }
    }

    @Test
    void keepsEventsBetweenRuns() throws Exception {
        Map<String, String> ports = LocalProcess.freePorts();
        try (LocalProcess saf = LocalProcess.start(folder, ports)) {
            saf.awaitStart();
            assertThat(sendWhatCurlWould(saf.output()).body()).contains("\"sequence\":1");
            saf.signal("TERM");
            saf.awaitExit();
        }
        try (LocalProcess saf = LocalProcess.start(folder, ports)) {
            saf.awaitStart();
            assertThat(sendWhatCurlWould(saf.output()).body()).contains("\"sequence\":2");
        }
    }

    @Test
    void leavesNoProcessBehindWhenKilled() throws Exception {
        List<ProcessHandle> descendants;
        try (LocalProcess saf = LocalProcess.start(folder, LocalProcess.freePorts())) {
            saf.awaitStart();
            descendants = saf.descendants();
        }
        await().atMost(Duration.ofSeconds(10))
                .untilAsserted(() -> assertThat(descendants).noneMatch(ProcessHandle::isAlive));
    }

    @Test
    void namesEveryTakenPortAndTheSettingThatChangesIt() throws Exception {
        Map<String, String> ports = LocalProcess.freePorts();
        int nats = Integer.parseInt(ports.getOrDefault("SAF_LOCAL_NATS_PORT", ""));
        int producer = Integer.parseInt(ports.getOrDefault("SAF_LOCAL_PRODUCER_PORT", ""));
        try (ServerSocket onLoopback = new ServerSocket(nats, 1, InetAddress.getLoopbackAddress());
                ServerSocket everywhere = new ServerSocket(producer);
                LocalProcess saf = LocalProcess.start(folder, ports)) {
            assertThat(saf.awaitExit()).isEqualTo(1);
            assertThat(saf.output())
                    .contains(
                            "Port " + onLoopback.getLocalPort() + " is taken, and nats-server is to listen there",
                            "saf.local.nats-port",
                            "Port " + everywhere.getLocalPort() + " is taken, and the producer is to listen there",
                            "SAF_LOCAL_PRODUCER_PORT")
                    .doesNotContain("starting", "\tat ", "Exception");
        }
    }

    @Test
    void doesNotRunTwiceInOneFolder() throws Exception {
        Map<String, String> ports = LocalProcess.freePorts();
        try (LocalProcess first = LocalProcess.start(folder, ports)) {
            first.awaitOutput("starting the consumer");
            try (LocalProcess second = LocalProcess.start(folder, ports)) {
                assertThat(second.awaitExit()).isEqualTo(1);
                assertThat(second.output()).contains("Saf already runs on ").doesNotContain("is taken", "\tat ");
            }
        }
    }

    @Test
    void takesItsConfigurationFromSafYmlAndTheEnvironment() throws Exception {
        Files.writeString(folder.resolve("saf.yml"), """
            saf:
              local:
                data: kept-here
              channels:
                audit:
                  type: log
                invoices:
                  type: log
            """);
        Map<String, String> environment = new HashMap<>(LocalProcess.freePorts());
        environment.put("SAF_CHANNELS_INVOICES_SUBJECTS", "invoice.>");
        try (LocalProcess saf = LocalProcess.start(folder, environment)) {
            saf.awaitStart();
            sendWhatCurlWould(saf.output());
            saf.awaitOutput("ride.accepted");
            assertThat(saf.output()).contains("audit");
            assertThat(folder.resolve("kept-here/nats")).isDirectory();
            assertThat(saf.output().lines().filter(line -> line.contains("ride.accepted from")))
                    .allMatch(line -> line.contains("audit"));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "saf.local.nats-prot: 1",
                "saf.local.nats-port: many",
                "saf.local.nats-port: 0",
                "saf.local.nats-port: 1378",
                "saf.chanels.log.type: log",
                "saf.producer.max-bdoy: 1KB",
                "saf.channels.log.type: lgo"
            })
    void refusesABadConfigurationWithASentence(String line) throws Exception {
        Files.writeString(folder.resolve("saf.yml"), line);
        Map<String, String> ports = new HashMap<>(LocalProcess.freePorts());
        ports.remove("SAF_LOCAL_NATS_PORT");
        if (!line.contains("nats-p")) {
            ports.putAll(
                    Map.of("SAF_LOCAL_NATS_PORT", LocalProcess.freePorts().getOrDefault("SAF_LOCAL_NATS_PORT", "")));
        }
        if (line.contains("1378")) {
            ports.remove("SAF_LOCAL_PRODUCER_PORT");
        }
        try (LocalProcess saf = LocalProcess.start(folder, ports)) {
            assertThat(saf.awaitExit()).isEqualTo(1);
            String property = line.substring(0, line.indexOf(": "));
            assertThat(saf.output())
                    .contains(property.startsWith("saf.chanels") ? "saf.chanels" : property)
                    .doesNotContain("\tat ");
            assertThat(saf.descendants()).isEmpty();
        }
    }

    private static HttpResponse<String> sendWhatCurlWould(String output) throws Exception {
        Matcher curl = CURL.matcher(output);
        assertThat(curl.find()).as(output).isTrue();
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(
                    HttpRequest.newBuilder(URI.create(curl.group("address")))
                            .header("Content-Type", "application/json")
                            .POST(BodyPublishers.ofString(curl.group("body")))
                            .timeout(Duration.ofSeconds(30))
                            .build(),
                    BodyHandlers.ofString());
        }
    }
}
