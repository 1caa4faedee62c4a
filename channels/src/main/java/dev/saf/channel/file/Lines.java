package dev.saf.channel.file;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The lines below one path: those of the file there now, and of those that made room for it. */
final class Lines {

    private final Path path;
    private final Rotation rotation;
    private final boolean durable;
    private final ReentrantLock writing = new ReentrantLock();

    private @Nullable OpenFile open;
    private boolean closed;

    /** With {@code durable}, nothing is closed before it is on the disk. */
    Lines(Path path, Rotation rotation, boolean durable) {
        this.path = path;
        this.rotation = rotation;
        this.durable = durable;
    }

    /**
     * Adds a line.
     *
     * @param sync whether to return only when it is on the disk
     * @return whether it was added; if not, this was closed
     */
    boolean add(byte[] line, boolean sync) throws IOException, InterruptedException {
        OpenFile file;
        long end;
        writing.lockInterruptibly();
        try {
            if (closed) {
                return false;
            }
            file = fileFor(line);
            end = file.write(line);
        } finally {
            writing.unlock();
        }
        if (sync) {
            file.sync(end);
        }
        return true;
    }

    private OpenFile fileFor(byte[] line) throws IOException {
        leaveAFileThatFailed();
        BasicFileAttributes there = attributes();
        OpenFile file = open;
        if (file != null && (there == null || !file.is(there))) {
            // Renamed or deleted by somebody else.
            leave(durable);
            file = null;
        }
        Instant now = Instant.now();
        if (there != null
                && rotation.isDue(there.size(), there.lastModifiedTime().toInstant(), line.length, now)) {
            leave(durable);
            Rotation.rename(path, now);
            file = null;
        }
        return file == null ? openFile() : file;
    }

    private void leaveAFileThatFailed() throws IOException {
        IOException failure = open == null ? null : open.failure();
        if (failure != null) {
            leave(false);
            throw new IOException("an earlier sync failed: " + failure.getMessage(), failure);
        }
    }

    private @Nullable BasicFileAttributes attributes() throws IOException {
        try {
            return OpenFile.attributes(path);
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    private OpenFile openFile() throws IOException {
        Path folder = path.toAbsolutePath().getParent();
        boolean isNew = Files.notExists(path);
        if (folder != null) {
            Files.createDirectories(folder);
        }
        OpenFile file = OpenFile.at(path);
        open = file;
        if (isNew && durable && folder != null) {
            // A new file's name is lost with the power unless its folder is synced, too.
            try (FileChannel entries = FileChannel.open(folder, StandardOpenOption.READ)) {
                entries.force(true);
            }
        }
        return file;
    }

    private void leave(boolean andSync) throws IOException {
        OpenFile file = open;
        open = null;
        if (file != null) {
            file.close(andSync);
        }
    }

    /** Forces to the disk what is not there yet. A failure is told to the next who adds a line. */
    void sync() throws InterruptedException {
        OpenFile file;
        writing.lockInterruptibly();
        try {
            file = open;
        } finally {
            writing.unlock();
        }
        try {
            if (file != null) {
                file.sync(file.written());
            }
        } catch (IOException e) {
            // The file keeps it.
        }
    }

    void close() throws IOException {
        writing.lock();
        try {
            closed = true;
            leave(durable);
        } finally {
            writing.unlock();
        }
    }
}
