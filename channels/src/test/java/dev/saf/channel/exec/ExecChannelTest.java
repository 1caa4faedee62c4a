package dev.saf.channel.exec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelContract;
import dev.saf.channel.RejectedEventException;
import dev.saf.channel.RemoteChannelContract;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.event.TraceContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExecChannelTest implements RemoteChannelContract {

    @TempDir
    private Path folder;

    @Override
    public String type() {
        return "exec";
    }

    @Override
    public Channel working() {
        return script("echo \"$CE_ID $TRACEPARENT\" >> out");
    }

    @Override
    public Channel gone() {
        return open("/nowhere/at/all");
    }

    @Override
    public Channel silent() {
        return open("sleep", "60");
    }

    @Override
    public List<String> delivered() {
        return lines().stream()
                .map(line -> line.substring(0, line.indexOf(' ')))
                .toList();
    }

    @Override
    public List<String> traceparents() {
        return lines().stream()
                .map(line -> line.substring(line.indexOf(' ') + 1))
                .toList();
    }

    @Override
    public List<Supplier<Channel>> refused() {
        return List.of(
                () -> open(new ExecSettings(null, List.of("true"), null, null, null)),
                () -> open(new ExecSettings(false, List.of("true"), null, null, null)),
                () -> open(new ExecSettings(true, null, null, null, null)),
                () -> open(new ExecSettings(true, List.of(), null, null, null)),
                () -> open(new ExecSettings(true, List.of(" "), null, null, null)),
                () -> open(new ExecSettings(true, List.of("true"), List.of(0), null, null)),
                () -> open(new ExecSettings(true, List.of("true"), List.of(256), null, null)));
    }

    @Test
    void handsOverTheEvent() throws Exception {
        Event event = ChannelContract.event("caf\u00e9 \"1\"; rm -rf .").withAttribute("partitionkey", "$(date)");
        script("cat > payload; env > env").deliver(event);
        assertThat(folder.resolve("payload")).hasContent("{\"order\":1}");
        assertThat(Files.readAllLines(folder.resolve("env")))
                .contains(
                        "SAF_SUBJECT=orders.placed",
                        "CE_SPECVERSION=1.0",
                        "CE_ID=caf\u00e9 \"1\"; rm -rf .",
                        "CE_SOURCE=shop",
                        "CE_TYPE=orders.placed",
                        "CE_TIME=2026-01-02T03:04:05.006Z",
                        "CE_DATACONTENTTYPE=application/json",
                        "CE_PARTITIONKEY=$(date)",
                        "TRACEPARENT=" + TRACE.traceparent());
    }

    @Test
    void handsOnNothingOfItsOwnEnvironment() throws Exception {
        ExecSettings settings = new ExecSettings(
                true,
                List.of("sh", "-c", "env > env"),
                null,
                Map.of("TOKEN", "t0psecret", "PATH", "/usr/bin:/bin"),
                folder.toString());
        assertThat(settings.toString()).doesNotContain("t0psecret");
        open(settings).deliver(ChannelContract.event("1").withTrace(null));
        assertThat(Files.readAllLines(folder.resolve("env")))
                .contains("TOKEN=t0psecret", "PATH=/usr/bin:/bin")
                // The shell adds some of its own.
                .allMatch(line -> line.matches(
                        "(TOKEN|PATH|HOME|LANG|LC_ALL|TZ|TMPDIR|CE_.*|SAF_SUBJECT|PWD|SHLVL|OLDPWD|_)=.*"));
    }

    @Test
    void letsNoShellLookAtArguments() throws Exception {
        open(new ExecSettings(true, List.of("touch", "$CE_ID; x"), null, null, folder.toString()))
                .deliver(ChannelContract.event("1"));
        assertThat(folder.resolve("$CE_ID; x")).exists();
    }

    @Test
    void leavesOutATraceThatNoVariableCanCarry() throws Exception {
        script("env > env").deliver(ChannelContract.event("1").withTrace(new TraceContext("00-\0", "a\0b")));
        assertThat(Files.readString(folder.resolve("env"))).doesNotContain("TRACE");
    }

    @Test
    void rejectsByExitCode() {
        assertThatThrownBy(() -> script("echo 'no such customer' >&2; exit 65").deliver(ChannelContract.event("1")))
                .isInstanceOf(RejectedEventException.class)
                .hasMessage("sh ended with exit code 65: no such customer");
        ExecSettings settings = new ExecSettings(true, List.of("sh", "-c", "exit 3"), List.of(2, 3), null, null);
        assertThatThrownBy(() -> open(settings).deliver(ChannelContract.event("1")))
                .isInstanceOf(RejectedEventException.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 64, 69, 75, 127})
    void triesAgainAfterOtherExitCodes(int code) {
        assertThatThrownBy(() -> script("exit " + code).deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class)
                .hasMessage("sh ended with exit code " + code);
    }

    @Test
    void triesAgainAfterASignal() {
        assertThatThrownBy(() -> script("kill -KILL $$").deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("137");
    }

    @Test
    void deliversToACommandThatDoesNotReadItsInput() throws Exception {
        script("exec true").deliver(large());
    }

    @Test
    void handsOverALargePayload() throws Exception {
        script("cat > payload").deliver(large());
        assertThat(folder.resolve("payload")).hasSize(1_000_000);
    }

    @Test
    void keepsOnlyTheBeginningOfEndlessOutput() {
        assertThatThrownBy(() -> script("head -c 10000000 /dev/zero | tr '\\0' x | tee /dev/stderr; exit 1")
                        .deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class)
                .satisfies(e -> assertThat(e.getMessage()).hasSizeBetween(1_000, 1_100));
    }

    @Test
    void doesNotWaitForWhatTheCommandLeavesRunning() throws Exception {
        long start = System.nanoTime();
        script("sleep 30 & echo $! > child").deliver(ChannelContract.event("1"));
        assertThatThrownBy(() -> script("sleep 30 & echo $! >> child; exit 1").deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
        for (String pid : Files.readAllLines(folder.resolve("child"))) {
            ProcessHandle.of(Long.parseLong(pid)).ifPresent(ProcessHandle::destroyForcibly);
        }
    }

    @Test
    void killsTheCommandAndItsChildrenWhenInterrupted() throws Exception {
        Channel channel = script("echo $$ >> pids; sh -c 'echo $$ >> pids; sleep 60; true'; true");
        AtomicReference<@Nullable Throwable> ended = new AtomicReference<>();
        Thread delivery = Thread.ofVirtual().start(() -> {
            try {
                channel.deliver(large());
            } catch (Exception e) {
                ended.set(e);
            }
        });
        Path pids = folder.resolve("pids");
        await().until(() -> Files.exists(pids) && Files.readAllLines(pids).size() == 2);
        List<ProcessHandle> family = new ArrayList<>();
        for (String pid : Files.readAllLines(pids)) {
            ProcessHandle.of(Long.parseLong(pid)).ifPresent(family::add);
        }
        family.addAll(family.getFirst().descendants().toList());
        assertThat(family).hasSizeGreaterThanOrEqualTo(2);
        delivery.interrupt();
        assertThat(delivery.join(Duration.ofSeconds(5))).isTrue();
        assertThat(ended.get()).isInstanceOf(InterruptedException.class);
        await().untilAsserted(() -> assertThat(family).noneMatch(ProcessHandle::isAlive));
    }

    @Test
    void rejectsAnEventWhoseAttributesNoCommandCanTake() {
        assertThatThrownBy(() ->
                        script("true").deliver(ChannelContract.event("1").withAttribute("long", "x".repeat(3_000_000))))
                .isInstanceOf(RejectedEventException.class)
                .hasMessageContaining("too long");
    }

    private static Event large() {
        Event event = ChannelContract.event("1");
        return new Event(
                event.subject(),
                event.id(),
                event.source(),
                event.type(),
                event.time(),
                Payload.of(new byte[1_000_000], "application/octet-stream"),
                Map.of(),
                null);
    }

    private List<String> lines() {
        try {
            return Files.exists(folder.resolve("out")) ? Files.readAllLines(folder.resolve("out")) : List.of();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private Channel script(String text) {
        return open(new ExecSettings(true, List.of("sh", "-c", text), null, null, folder.toString()));
    }

    private static Channel open(String... command) {
        return open(new ExecSettings(true, List.of(command), null, null, null));
    }

    private static Channel open(ExecSettings settings) {
        return new ExecChannelFactory().open("script", settings, bundle -> {
            throw new IllegalArgumentException("ssl-bundle: there is no " + bundle);
        });
    }
}
