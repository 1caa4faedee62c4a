package dev.saf.channel.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelContract;
import dev.saf.channel.RejectedEventException;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class FileChannelTest implements ChannelContract {

    @TempDir
    private Path folder;

    @Override
    public String type() {
        return "file";
    }

    @Override
    public Channel working() {
        return open("events.ndjson");
    }

    @Override
    public List<String> delivered() {
        return ids("events.ndjson");
    }

    @Override
    public List<Supplier<Channel>> refused() {
        return List.of(
                () -> open(new FileSettings(null, null, null, null)),
                () -> open(new FileSettings(" ", null, null, null)),
                () -> open(new FileSettings("/tmp/folder/", null, null, null)),
                () -> open(new FileSettings("/tmp/{{#id}}", null, null, null)),
                () -> open(new FileSettings("/tmp/\0", null, null, null)),
                () -> open(new FileSettings("/tmp/x", "sometimes", null, null)),
                () -> open(new FileSettings("/tmp/x", "1ms", null, null)),
                () -> open(new FileSettings("/tmp/x", null, "0", null)),
                () -> open(new FileSettings("/tmp/x", null, "big", null)),
                () -> open(new FileSettings("/tmp/x", null, null, Duration.ofMillis(1))));
    }

    @Test
    void writesACloudEventPerLine() throws Exception {
        try (Channel channel = working()) {
            channel.deliver(ChannelContract.event("1"));
            channel.deliver(ChannelContract.event("2"));
        }
        assertThat(Files.readString(folder.resolve("events.ndjson")))
                .isEqualTo(Stream.of("1", "2")
                        .map(id -> "{\"specversion\":\"1.0\",\"id\":\"" + id + "\",\"source\":\"shop\","
                                + "\"type\":\"orders.placed\",\"time\":\"2026-01-02T03:04:05.006Z\","
                                + "\"traceparent\":\"" + TRACE.traceparent()
                                + "\",\"datacontenttype\":\"application/json\",\"data\":{\"order\":1}}\n")
                        .reduce("", String::concat));
    }

    @Test
    void neverMixesLines() throws Exception {
        List<String> ids = IntStream.range(0, 100).mapToObj(i -> "event-" + i).toList();
        try (Channel channel = working();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> deliveries = new ArrayList<>();
            for (String id : ids) {
                deliveries.add(threads.submit(() -> {
                    channel.deliver(event(id, "x".repeat(200_000)));
                    return id;
                }));
            }
            for (Future<?> delivery : deliveries) {
                delivery.get();
            }
        }
        assertThat(delivered()).containsExactlyInAnyOrderElementsOf(ids);
    }

    @Test
    void writesToTheFileTheEventBelongsTo() throws Exception {
        try (Channel channel = open("{{source}}/{{id}}.ndjson")) {
            channel.deliver(ChannelContract.event("a"));
            channel.deliver(ChannelContract.event("b"));
            channel.deliver(ChannelContract.event("a"));
        }
        assertThat(ids("shop/a.ndjson")).containsExactly("a", "a");
        assertThat(ids("shop/b.ndjson")).containsExactly("b");
    }

    @Test
    void writesToMoreFilesThanItKeepsOpen() throws Exception {
        try (Channel channel = open("{{id}}.ndjson")) {
            for (int round = 0; round < 2; round++) {
                for (int i = 0; i < 100; i++) {
                    channel.deliver(ChannelContract.event("event-" + i));
                }
            }
        }
        for (int i = 0; i < 100; i++) {
            assertThat(ids("event-" + i + ".ndjson")).hasSize(2);
        }
    }

    @Test
    void rejectsAnEventThatWouldLeaveTheFolder() throws Exception {
        try (Channel channel = open("inside/{{id}}.ndjson")) {
            for (String id : List.of("../outside", "../../etc/passwd", "a/../../outside")) {
                assertThatThrownBy(() -> channel.deliver(ChannelContract.event(id)))
                        .as(id)
                        .isInstanceOf(RejectedEventException.class);
            }
        }
        assertThat(folder.resolve("outside.ndjson")).doesNotExist();
    }

    @Test
    void rejectsAnEventWithoutWhatThePathNeeds() throws Exception {
        try (Channel channel = open("{{payload.customer}}.ndjson")) {
            assertThatThrownBy(() -> channel.deliver(ChannelContract.event("1")))
                    .isInstanceOf(RejectedEventException.class)
                    .hasMessageContaining("path");
            assertThatThrownBy(() -> channel.deliver(event("2", "{\"customer\":\"" + "é".repeat(200) + "\"}")))
                    .isInstanceOf(RejectedEventException.class)
                    .hasMessageContaining("255 bytes");
        }
    }

    @Test
    void doesNotAddToWhatACrashLeftUnfinished() throws Exception {
        Files.writeString(folder.resolve("events.ndjson"), "{\"id\":\"whole\"}\n{\"id\":\"to");
        try (Channel channel = working()) {
            channel.deliver(ChannelContract.event("1"));
            channel.deliver(ChannelContract.event("2"));
        }
        assertThat(Files.readAllLines(folder.resolve("events.ndjson")))
                .hasSize(4)
                .startsWith("{\"id\":\"whole\"}", "{\"id\":\"to")
                .element(2)
                .asString()
                .startsWith("{\"specversion\"");
    }

    @Test
    void goesOnAfterAFileWasTakenAway() throws Exception {
        try (Channel channel = working()) {
            channel.deliver(ChannelContract.event("1"));
            Files.move(folder.resolve("events.ndjson"), folder.resolve("rotated.ndjson"));
            channel.deliver(ChannelContract.event("2"));
            Files.delete(folder.resolve("events.ndjson"));
            channel.deliver(ChannelContract.event("3"));
            // As logrotate's copytruncate does it.
            Files.writeString(folder.resolve("events.ndjson"), "");
            channel.deliver(ChannelContract.event("4"));
        }
        assertThat(ids("rotated.ndjson")).containsExactly("1");
        assertThat(ids("events.ndjson")).containsExactly("4");
    }

    @Test
    void makesRoomBeforeAFileGrowsTooLarge() throws Exception {
        try (Channel channel = open(settings("events.ndjson", null, "1KB", null))) {
            for (int i = 0; i < 20; i++) {
                channel.deliver(ChannelContract.event("event-" + i));
            }
            channel.deliver(event("large", "x".repeat(2_000)));
            channel.deliver(ChannelContract.event("last"));
        }
        List<Path> files = files();
        assertThat(files)
                .hasSizeGreaterThan(4)
                .allMatch(file ->
                        file.getFileName().toString().matches("events(-\\d{8}T\\d{6}\\.\\d{3}Z(-\\d+)?)?\\.ndjson"));
        List<String> all = new ArrayList<>();
        for (Path file : files) {
            List<String> ids = ids(file.getFileName().toString());
            assertThat(Files.size(file)).isLessThanOrEqualTo(ids.contains("large") ? 3_000 : 1_024);
            all.addAll(ids);
        }
        assertThat(all).hasSize(22).doesNotHaveDuplicates();
    }

    @Test
    void makesRoomWhenItsTimeIsOver() throws Exception {
        Path file = folder.resolve("events.ndjson");
        try (Channel channel = open(settings("events.ndjson", null, null, Duration.ofDays(1)))) {
            channel.deliver(ChannelContract.event("yesterday"));
            Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(Duration.ofDays(1))));
            channel.deliver(ChannelContract.event("today"));
        }
        assertThat(ids("events.ndjson")).containsExactly("today");
        assertThat(files()).hasSize(2);
    }

    @Test
    @SuppressWarnings("try")
    void failsWhereAnotherWrites() throws Exception {
        try (Channel first = working();
                Channel second = working()) {
            first.deliver(ChannelContract.event("1"));
            assertThatThrownBy(() -> second.deliver(ChannelContract.event("2")))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("another channel or process");
            first.close();
            second.deliver(ChannelContract.event("2"));
        }
        assertThat(delivered()).containsExactly("1", "2");
    }

    @Test
    void survivesAnInterruptedDelivery() throws Exception {
        try (Channel channel = working()) {
            channel.deliver(ChannelContract.event("1"));
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> channel.deliver(ChannelContract.event("2")))
                    .isInstanceOf(InterruptedException.class);
            channel.deliver(ChannelContract.event("3"));
        }
        assertThat(delivered()).containsExactly("1", "3");
    }

    @Test
    void failsWhereNoFileCanBe() throws Exception {
        Files.writeString(folder.resolve("file"), "");
        try (Channel channel = open("file/events.ndjson")) {
            assertThatThrownBy(channel::check).isInstanceOf(IOException.class).hasMessageContaining("no folder");
            assertThatThrownBy(() -> channel.deliver(ChannelContract.event("1")))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("cannot write ");
        }
    }

    @Test
    void isCheckedWithoutLeavingATrace() throws Exception {
        try (Channel channel = open("some/folder/{{id}}.ndjson")) {
            channel.check();
        }
        assertThat(files()).isEmpty();
    }

    @Test
    void failsOnAFullDevice() throws Exception {
        linkTo("/dev/full");
        try (Channel channel = open(settings("events.ndjson", "never", null, null))) {
            assertThatThrownBy(() -> channel.deliver(ChannelContract.event("1")))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("No space left");
        }
    }

    @Test
    void countsNothingAsDeliveredThatCouldNotBeSynced() throws Exception {
        // Takes everything that is written, and cannot be synced.
        linkTo("/dev/null");
        try (Channel channel = open("events.ndjson")) {
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(() -> channel.deliver(ChannelContract.event("1")))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("sync");
            }
        } catch (RuntimeException e) {
            assertThat(e).hasMessageContaining("sync");
        }
        try (Channel channel = open(settings("events.ndjson", "never", null, null))) {
            channel.deliver(ChannelContract.event("1"));
        }
        try (Channel channel = open(settings("events.ndjson", "10ms", null, null))) {
            // The sync that failed behind its back is told to the next.
            await().untilAsserted(() -> assertThatThrownBy(() -> channel.deliver(ChannelContract.event("1")))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("an earlier sync failed"));
        } catch (RuntimeException e) {
            assertThat(e).hasMessageContaining("sync");
        }
    }

    @Test
    @SuppressWarnings("try")
    void losesAndTearsNothingOnADiskThatIsFullOrReadOnlyForAWhile() throws Exception {
        Path disk = Files.createDirectory(folder.resolve("disk"));
        assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk.toString()), "may not mount");
        try (Channel channel = open("disk/events.ndjson")) {
            String payload = "x".repeat(10_000);
            int taken = 0;
            IOException full = null;
            while (full == null) {
                try {
                    channel.deliver(event("event-" + taken, payload));
                    taken++;
                } catch (IOException e) {
                    full = e;
                }
            }
            assertThat(full).hasMessageContaining("No space left");
            assertThat(ids("disk/events.ndjson")).hasSize(taken).hasSizeBetween(3, 6);
            assertThat(run("mount", "-o", "remount,size=1m", disk.toString())).isTrue();
            channel.deliver(event("after", payload));
            assertThat(ids("disk/events.ndjson")).hasSize(taken + 1).endsWith("after");
            channel.close();
            assertThat(run("mount", "-o", "remount,ro", disk.toString())).isTrue();
            assertThatThrownBy(() -> channel.deliver(event("read-only", payload)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("Read-only");
            assertThat(run("mount", "-o", "remount,rw", disk.toString())).isTrue();
            channel.deliver(event("writable", payload));
            assertThat(ids("disk/events.ndjson")).hasSize(taken + 2).endsWith("writable");
        } finally {
            run("umount", disk.toString());
        }
    }

    private static boolean run(String... command) throws IOException, InterruptedException {
        try {
            return new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private void linkTo(String device) throws IOException {
        assumeTrue(Files.exists(Path.of(device)), "there is no " + device);
        Files.createSymbolicLink(folder.resolve("events.ndjson"), Path.of(device));
    }

    private static Event event(String id, String payload) {
        return Event.of(
                "orders.placed",
                id,
                "shop",
                Instant.parse("2026-01-02T03:04:05Z"),
                Payload.of(payload.getBytes(StandardCharsets.UTF_8), "text/plain"));
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }

    private List<String> ids(String name) {
        try {
            return Files.readAllLines(folder.resolve(name)).stream()
                    .map(line -> JsonMapper.shared().readValue(line, JsonNode.class))
                    .map(line -> line.get("id").asString())
                    .toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private FileSettings settings(
            String path, @Nullable String sync, @Nullable String rotateSize, @Nullable Duration rotateEvery) {
        return new FileSettings(folder + "/" + path, sync, rotateSize, rotateEvery);
    }

    private Channel open(String path) {
        return open(settings(path, null, null, null));
    }

    private static Channel open(FileSettings settings) {
        return new FileChannelFactory().open("archive", settings, bundle -> {
            throw new IllegalArgumentException("ssl-bundle: there is no " + bundle + " in " + Map.of());
        });
    }
}
