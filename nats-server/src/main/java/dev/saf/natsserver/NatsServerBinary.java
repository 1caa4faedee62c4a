package dev.saf.natsserver;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Redirect;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The program nats-server, found on this machine or fetched once.
 *
 * <p>In this order: on the PATH if new enough; in the cache folder ({@code $XDG_CACHE_HOME} or {@code ~/.cache}, below
 * {@code saf/nats-server}); built by {@code go install} where Go is; the official release archive, whose SHA-256 is
 * written here.
 */
public final class NatsServerBinary {

    /** What {@code go install} builds; Go's checksum database vouches for it. */
    static final String BUILT = "2.15.1";

    /**
     * What is downloaded: the newest release whose checksums could be confirmed by several independent publications.
     */
    static final String DOWNLOADED = "2.15.0";

    static final Map<String, String> SHA_256 = Map.of(
            "linux-amd64", "5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92",
            "linux-arm64", "cdc208f5a3f42963a52b6ab06ef65626bb870315dc936e26ba571780c6351112",
            "darwin-amd64", "5bd8b59ca5bf93fab3da2c5843cf564cd6e2e291e22ae3b861746e7ebe259b95",
            "darwin-arm64", "e1c4e22d70bd44abfa0bcb3c16f7cf0c66f648c2e728c58924e8a1ce88913cc8");

    static final URI RELEASES = URI.create("https://github.com/nats-io/nats-server/releases/download/");

    private static final int OLDEST_MINOR = 12;
    private static final Pattern VERSION = Pattern.compile("v(\\d+)\\.(\\d+)\\.\\d+\\S*");
    private static final Object IN_THIS_JVM = new Object();

    private final Map<String, String> environment;
    private final URI releases;
    private final Map<String, String> checksums;
    private final Consumer<String> progress;
    private final List<String> obstacles = new ArrayList<>();

    NatsServerBinary(
            Map<String, String> environment, URI releases, Map<String, String> checksums, Consumer<String> progress) {
        this.environment = environment;
        this.releases = releases;
        this.checksums = checksums;
        this.progress = progress;
    }

    /**
     * Finds or fetches it; several processes may do so at once.
     *
     * @param progress takes a line for every step that takes time
     * @throws NatsServerException if there is none and none can be fetched; the message lists what would help
     */
    public static Path find(Consumer<String> progress) {
        return new NatsServerBinary(System.getenv(), RELEASES, SHA_256, progress).find();
    }

    Path find() {
        return onPath("nats-server").filter(this::isNewEnough).or(this::cached).orElseGet(this::fetchAlone);
    }

    private Optional<Path> onPath(String program) {
        return Arrays.stream(environment.getOrDefault("PATH", "").split(File.pathSeparator))
                .filter(folder -> !folder.isEmpty())
                .map(folder -> Path.of(folder, program))
                .filter(path -> Files.isRegularFile(path) && Files.isExecutable(path))
                .findFirst();
    }

    private boolean isNewEnough(Path program) {
        String said;
        try {
            said = run(List.of(program.toString(), "--version"), Map.of(), line -> {});
        } catch (IOException e) {
            obstacles.add(program + " does not run: " + e.getMessage());
            return false;
        }
        Matcher version = VERSION.matcher(said);
        if (version.find()) {
            int major = Integer.parseInt(version.group(1));
            int minor = Integer.parseInt(version.group(2));
            if (major > 2 || (major == 2 && minor >= OLDEST_MINOR)) {
                return true;
            }
        }
        obstacles.add("%s is '%s', Saf needs 2.%d or newer".formatted(program, said.strip(), OLDEST_MINOR));
        return false;
    }

    private Path cache() {
        String xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
        Path base = xdg.isEmpty()
                ? Path.of(environment.getOrDefault("HOME", System.getProperty("user.home")), ".cache")
                : Path.of(xdg);
        return base.resolve("saf").resolve("nats-server");
    }

    private Path cached(String version) {
        return cache().resolve(version).resolve("nats-server");
    }

    private Optional<Path> cached() {
        return List.of(BUILT, DOWNLOADED).stream()
                .map(this::cached)
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** The lock is for other JVMs, the monitor for other threads of this one, which a file lock does not know. */
    private Path fetchAlone() {
        synchronized (IN_THIS_JVM) {
            try {
                Files.createDirectories(cache());
                try (FileChannel file = FileChannel.open(
                                cache().resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                        var lock = file.lock()) {
                    return lock.isValid() ? cached().orElseGet(this::fetch) : fetch();
                }
            } catch (IOException e) {
                throw new NatsServerException("Cannot keep nats-server in " + cache() + ": " + e.getMessage(), e);
            }
        }
    }

    private Path fetch() {
        return built().or(this::downloaded)
                .orElseThrow(() -> new NatsServerException("""
                    There is no nats-server here, and none could be fetched. Any one of these helps:
                    - put nats-server 2.%d or newer on the PATH (https://nats.io/download, brew install nats-server);
                    - install Go (https://go.dev/dl) and let Saf run: go install github.com/nats-io/nats-server/v2@v%s
                    - let this machine reach %s, from where Saf takes the official release %s;
                    - copy a nats-server to %s
                    What stood in the way: %s\
                    """.formatted(
                        OLDEST_MINOR, BUILT, releases, DOWNLOADED, cached(BUILT), String.join("; ", obstacles))));
    }

    private Optional<Path> built() {
        Optional<Path> go = onPath("go");
        if (go.isEmpty()) {
            obstacles.add("go is not on the PATH");
            return Optional.empty();
        }
        progress.accept("fetching nats-server " + BUILT + " with go install, once, about half a minute…");
        try {
            Path folder = Files.createTempDirectory(cache(), "go-");
            run(
                    List.of(go.get().toString(), "install", "github.com/nats-io/nats-server/v2@v" + BUILT),
                    Map.of("GOBIN", folder.toString(), "CGO_ENABLED", "0", "GOFLAGS", "", "GOOS", "", "GOARCH", ""),
                    progress);
            return Optional.of(keep(folder, BUILT));
        } catch (IOException e) {
            obstacles.add("go install failed: " + e.getMessage());
            return Optional.empty();
        }
    }

    private Optional<Path> downloaded() {
        String platform = platform();
        String expected = checksums.get(platform);
        if (expected == null) {
            obstacles.add("no release archive is known for " + platform + ", only for " + checksums.keySet());
            return Optional.empty();
        }
        URI archive = releases.resolve("v%1$s/nats-server-v%1$s-%2$s.tar.gz".formatted(DOWNLOADED, platform));
        progress.accept("fetching " + archive + ", once…");
        try {
            Path folder = Files.createTempDirectory(cache(), "archive-");
            Path file = folder.resolve("nats-server.tar.gz");
            download(archive, file);
            String actual = sha256(file);
            if (!actual.equals(expected)) {
                throw new IOException("its SHA-256 is " + actual + ", expected " + expected + ": thrown away");
            }
            run(
                    List.of("tar", "-xzf", file.toString(), "-C", folder.toString(), "--strip-components=1"),
                    Map.of(),
                    line -> {});
            return Optional.of(keep(folder, DOWNLOADED));
        } catch (IOException e) {
            obstacles.add(archive + ": " + e.getMessage());
            return Optional.empty();
        }
    }

    private static void download(URI archive, Path file) throws IOException {
        try (HttpClient client = HttpClient.newBuilder()
                .followRedirects(Redirect.NORMAL)
                .connectTimeout(Duration.ofSeconds(10))
                .build()) {
            HttpResponse<Path> response = client.send(
                    HttpRequest.newBuilder(archive)
                            .timeout(Duration.ofMinutes(5))
                            .build(),
                    BodyHandlers.ofFile(file));
            if (response.statusCode() != 200) {
                throw new IOException("answered " + response.statusCode());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (IOException e) {
            // A refused connection, for one, has no message.
            throw e.getMessage() == null ? new IOException(e.getClass().getSimpleName(), e) : e;
        }
    }

    /** The rename is atomic: whoever looks into the cache sees a whole program or none. */
    private Path keep(Path folder, String version) throws IOException {
        Path program = folder.resolve("nats-server");
        Files.createDirectories(cached(version).getParent());
        Files.move(program, cached(version), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        try (var rest = Files.list(folder)) {
            for (Path path : rest.toList()) {
                Files.delete(path);
            }
        }
        Files.delete(folder);
        progress.accept("nats-server " + version + " is now in " + cached(version));
        return cached(version);
    }

    private String run(List<String> command, Map<String, String> variables, Consumer<String> lines) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        builder.environment().putAll(variables);
        Process process = builder.start();
        process.getOutputStream().close();
        StringBuilder said = new StringBuilder();
        try (BufferedReader reader = process.inputReader()) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                said.append(line).append('\n');
                lines.accept(line);
            }
        }
        int code = process.onExit().join().exitValue();
        if (code != 0) {
            throw new IOException(
                    "exit code %d, %s".formatted(code, said.toString().strip()));
        }
        return said.toString();
    }

    static String sha256(Path file) throws IOException {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    static String platform() {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String machine = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        return (system.startsWith("mac") ? "darwin" : system.replace(' ', '-')) + "-"
                + switch (machine) {
                    case "x86_64", "amd64" -> "amd64";
                    case "aarch64", "arm64" -> "arm64";
                    default -> machine;
                };
    }
}
