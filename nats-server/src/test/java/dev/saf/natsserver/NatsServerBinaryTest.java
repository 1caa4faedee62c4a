package dev.saf.natsserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NatsServerBinaryTest {

    private static final String NEW_ENOUGH = "#!/bin/sh\necho 'nats-server: v2.12.0'\n";
    private static final String TOO_OLD = "#!/bin/sh\necho 'nats-server: v2.11.9'\n";

    /** Does what go install does: leaves a program in GOBIN, or says why not. */
    private static final String GO = """
        #!/bin/sh
        [ "$CGO_ENABLED" = 0 ] || exit 9
        echo run >> "$GO_RUNS"
        printf '#!/bin/sh\\necho nats-server: v2.15.1\\n' > "$GOBIN/nats-server"
        chmod +x "$GOBIN/nats-server"
        """;

    private static final String GO_OFFLINE = "#!/bin/sh\necho 'dial tcp: no route to host'\nexit 1\n";

    @TempDir
    private Path folder;

    private final List<String> progress = new ArrayList<>();
    private final Map<String, byte[]> released = new HashMap<>();
    private HttpServer releases;

    @BeforeEach
    void serveReleases() throws IOException {
        releases = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        releases.createContext("/", exchange -> {
            byte[] archive = released.get(exchange.getRequestURI().getPath());
            exchange.sendResponseHeaders(archive == null ? 404 : 200, archive == null ? -1 : archive.length);
            if (archive != null) {
                exchange.getResponseBody().write(archive);
            }
            exchange.close();
        });
        releases.start();
        Files.createDirectories(folder.resolve("bin"));
        Files.createDirectories(folder.resolve("home"));
    }

    @AfterEach
    void stopServing() {
        releases.stop(0);
    }

    @Test
    void takesTheOneOnThePath() throws Exception {
        Path program = program("nats-server", NEW_ENOUGH);
        program("go", GO);

        assertThat(find(Map.of())).isEqualTo(program);
        assertThat(progress).isEmpty();
    }

    @Test
    void passesByOneOnThePathThatIsTooOld() throws Exception {
        program("nats-server", TOO_OLD);
        program("go", GO);

        assertThat(find(Map.of())).isEqualTo(cached("2.15.1"));
    }

    @Test
    void prefersTheCacheToFetching() throws Exception {
        program("go", GO);
        find(Map.of());
        progress.clear();

        assertThat(find(Map.of())).isEqualTo(cached("2.15.1"));
        assertThat(runsOfGo()).isEqualTo(1);
        assertThat(progress).isEmpty();
    }

    @Test
    void buildsItWithGoAndSaysSo() throws Exception {
        program("go", GO);

        assertThat(find(Map.of())).isEqualTo(cached("2.15.1")).isExecutable();
        assertThat(progress.getFirst()).contains("fetching nats-server 2.15.1 with go install");
        assertThat(cacheEntries()).containsExactlyInAnyOrder("2.15.1", "lock");
    }

    @Test
    void buildsItOnceHoweverManyAsk() throws Exception {
        program("go", GO);
        try (ExecutorService askers = Executors.newVirtualThreadPerTaskExecutor()) {
            Callable<Path> ask = () -> find(Map.of());
            for (Future<Path> answer : askers.invokeAll(List.of(ask, ask, ask, ask))) {
                assertThat(answer.get()).isEqualTo(cached("2.15.1"));
            }
        }
        assertThat(runsOfGo()).isEqualTo(1);
    }

    @Test
    void downloadsTheReleaseWhereGoIsMissing() throws Exception {
        byte[] archive = release();

        assertThat(find(Map.of(NatsServerBinary.platform(), checksum(archive))))
                .isEqualTo(cached("2.15.0"))
                .isExecutable()
                .hasContent(NEW_ENOUGH);
        assertThat(cacheEntries()).containsExactlyInAnyOrder("2.15.0", "lock");
    }

    @Test
    void downloadsTheReleaseWhereGoFails() throws Exception {
        program("go", GO_OFFLINE);
        byte[] archive = release();

        assertThat(find(Map.of(NatsServerBinary.platform(), checksum(archive)))).isEqualTo(cached("2.15.0"));
    }

    @Test
    void refusesATamperedRelease() throws Exception {
        byte[] archive = release();
        String expected = checksum(archive);
        archive[archive.length - 1] ^= 1;

        assertThatThrownBy(() -> find(Map.of(NatsServerBinary.platform(), expected)))
                .isInstanceOf(NatsServerException.class)
                .hasMessageContaining("its SHA-256 is " + checksum(archive) + ", expected " + expected);
        assertThat(cached("2.15.0")).doesNotExist();
    }

    @Test
    void listsWhatHelpsWhereThereIsNoWay() throws Exception {
        program("nats-server", TOO_OLD);
        program("go", GO_OFFLINE);

        assertThatThrownBy(() -> find(Map.of(NatsServerBinary.platform(), "0".repeat(64))))
                .isInstanceOf(NatsServerException.class)
                .hasMessageContainingAll(
                        "put nats-server 2.12 or newer on the PATH",
                        "go install github.com/nats-io/nats-server/v2@v2.15.1",
                        cached("2.15.1").toString(),
                        "Saf needs 2.12 or newer",
                        "no route to host",
                        "answered 404");
    }

    @Test
    void knowsAChecksumForEveryUsualPlatform() {
        assertThat(NatsServerBinary.SHA_256)
                .containsOnlyKeys("linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64")
                .allSatisfy((platform, checksum) -> assertThat(checksum).matches("[0-9a-f]{64}"));
    }

    private Path find(Map<String, String> checksums) {
        Map<String, String> environment = Map.of(
                "PATH", folder.resolve("bin") + ":/usr/bin:/bin",
                "HOME", folder.resolve("home").toString(),
                "GO_RUNS", folder.resolve("runs").toString());
        URI address = URI.create("http://127.0.0.1:" + releases.getAddress().getPort() + "/");
        return new NatsServerBinary(environment, address, checksums, progress::add).find();
    }

    private Path program(String name, String text) throws IOException {
        Path program = Files.writeString(folder.resolve("bin").resolve(name), text);
        return Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private byte[] release() throws Exception {
        String name = "nats-server-v2.15.0-" + NatsServerBinary.platform();
        Path content = Files.createDirectories(folder.resolve(name));
        Files.writeString(content.resolve("LICENSE"), "Apache-2.0");
        Path program = Files.writeString(content.resolve("nats-server"), NEW_ENOUGH);
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path archive = folder.resolve(name + ".tar.gz");
        assertThat(new ProcessBuilder("tar", "-czf", archive.toString(), "-C", folder.toString(), name)
                        .start()
                        .waitFor())
                .isZero();
        byte[] bytes = Files.readAllBytes(archive);
        released.put("/v2.15.0/" + name + ".tar.gz", bytes);
        return bytes;
    }

    private String checksum(byte[] bytes) throws IOException {
        return NatsServerBinary.sha256(Files.write(folder.resolve("bytes"), bytes));
    }

    private long runsOfGo() throws IOException {
        return Files.readAllLines(folder.resolve("runs")).size();
    }

    private Path cache() {
        return folder.resolve("home/.cache/saf/nats-server");
    }

    private Path cached(String version) {
        return cache().resolve(version).resolve("nats-server");
    }

    private List<String> cacheEntries() throws IOException {
        try (Stream<Path> entries = Files.list(cache())) {
            return entries.map(entry -> entry.getFileName().toString()).toList();
        }
    }
}
