package dev.saf.channel.file;

import dev.saf.channel.Channel;
import dev.saf.channel.CloudEventJson;
import dev.saf.event.Event;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes each event as a line of JSON (NDJSON): {@link CloudEventJson}. An event is delivered when its line is written,
 * and on the disk if so configured. A line is written whole, or taken back; what a crash left unfinished stays a line
 * of its own. A file belongs to one channel of one process at a time.
 */
final class FileChannel implements Channel {

    private static final int MOST_OPEN_FILES = 64;

    private final Target target;
    private final Rotation rotation;
    private final FileSettings.Sync sync;
    private final @Nullable Thread syncer;

    /** The one used last is the last one. */
    private final SequencedMap<Path, Lines> files = new LinkedHashMap<>(16, 0.75f, true);

    FileChannel(String name, FileSettings settings) {
        this.target = new Target(String.valueOf(settings.path()));
        this.rotation = settings.rotation();
        this.sync = settings.syncing();
        Duration every = sync.every();
        this.syncer = every == null
                ? null
                : Thread.ofVirtual().name("file-" + name + "-sync").start(() -> syncEvery(every));
    }

    @Override
    public void deliver(Event event) throws Exception {
        Path path = target.of(event);
        byte[] line = OpenFile.ended(CloudEventJson.line(event));
        try {
            while (!lines(path).add(line, sync.always())) {
                // Closed to make room for another file, just now: once more.
            }
        } catch (IOException e) {
            throw new IOException("cannot write " + path + ": " + reason(e), e);
        }
    }

    /** Whether files may be made where the path begins. */
    @Override
    public void check() throws IOException {
        Path there = target.root();
        while (Files.notExists(there) && there.getParent() != null) {
            there = there.getParent();
        }
        if (!Files.isDirectory(there) || !Files.isWritable(there)) {
            throw new IOException("cannot write to " + target.root() + ": " + there
                    + (Files.isDirectory(there) ? " may not be written to" : " is no folder"));
        }
    }

    /** Exceptions about files often say no more than the file's name. */
    private static String reason(IOException e) {
        return e.getClass() == IOException.class
                ? String.valueOf(e.getMessage())
                : e.getClass().getSimpleName() + ": " + e.getMessage();
    }

    private Lines lines(Path path) throws IOException {
        synchronized (files) {
            Lines lines = files.get(path);
            if (lines == null) {
                if (files.size() == MOST_OPEN_FILES) {
                    Map.Entry<Path, Lines> eldest = files.pollFirstEntry();
                    eldest.getValue().close();
                }
                lines = new Lines(path, rotation, sync.always() || sync.every() != null);
                files.put(path, lines);
            }
            return lines;
        }
    }

    private List<Lines> all() {
        synchronized (files) {
            return new ArrayList<>(files.values());
        }
    }

    private List<Lines> removeAll() {
        synchronized (files) {
            List<Lines> all = all();
            files.clear();
            return all;
        }
    }

    private void syncEvery(Duration every) {
        try {
            while (true) {
                Thread.sleep(every);
                for (Lines lines : all()) {
                    lines.sync();
                }
            }
        } catch (InterruptedException e) {
            // Closed.
        }
    }

    @Override
    public void close() {
        if (syncer != null) {
            syncer.interrupt();
        }
        try {
            for (Lines lines : removeAll()) {
                lines.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot close a file: " + e.getMessage(), e);
        }
    }
}
