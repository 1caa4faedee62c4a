package dev.saf.channel.file;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A file that is open, and locked against other processes. Lines are written by one thread at a time, which its owner
 * sees to; whoever waits for the disk waits together with all others.
 *
 * <p>Not a {@link java.nio.channels.FileChannel}, which an interrupted thread would close for all.
 */
final class OpenFile {

    private final RandomAccessFile file;
    private final @Nullable Object identity;
    private final ReentrantLock syncing = new ReentrantLock();

    private boolean torn;
    private volatile long written;
    private volatile @Nullable IOException failure;
    private long synced;

    private OpenFile(RandomAccessFile file, @Nullable Object identity, boolean torn) {
        this.file = file;
        this.identity = identity;
        this.torn = torn;
    }

    static OpenFile at(Path path) throws IOException {
        RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
        try {
            lock(file, path);
            return new OpenFile(file, attributes(path).fileKey(), isTorn(file));
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    /** Ends with the file. */
    @SuppressWarnings("resource")
    private static void lock(RandomAccessFile file, Path path) throws IOException {
        FileLock lock;
        try {
            lock = file.getChannel().tryLock();
        } catch (OverlappingFileLockException e) {
            lock = null;
        }
        if (lock == null) {
            throw new IOException(path + " is being written by another channel or process; give each its own path");
        }
    }

    private static boolean isTorn(RandomAccessFile file) throws IOException {
        long length = file.length();
        if (length == 0) {
            return false;
        }
        file.seek(length - 1);
        return file.read() != '\n';
    }

    static BasicFileAttributes attributes(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class);
    }

    /** Whether this is the file that its path now leads to: it may have been renamed or deleted. */
    boolean is(BasicFileAttributes attributes) {
        return Objects.equals(identity, attributes.fileKey());
    }

    /**
     * Writes a line, all of it or, as far as the disk lets, nothing. A line that somebody else left unfinished is ended
     * first.
     *
     * @return what to {@link #sync}
     */
    long write(byte[] line) throws IOException {
        // Somebody else may have made it shorter.
        long before = file.length();
        file.seek(before);
        try {
            file.write(torn && before > 0 ? onANewLine(line) : line);
        } catch (IOException e) {
            takeBack(before, e);
            throw e;
        }
        torn = false;
        long end = written + line.length;
        written = end;
        return end;
    }

    private static byte[] onANewLine(byte[] line) {
        byte[] whole = new byte[line.length + 1];
        whole[0] = '\n';
        System.arraycopy(line, 0, whole, 1, line.length);
        return whole;
    }

    private void takeBack(long before, IOException cause) {
        try {
            file.setLength(before);
        } catch (IOException e) {
            torn = true;
            cause.addSuppressed(e);
        }
    }

    /** Returns when all up to a point is on the disk. */
    void sync(long upTo) throws IOException, InterruptedException {
        syncing.lockInterruptibly();
        try {
            syncUpTo(upTo);
        } finally {
            syncing.unlock();
        }
    }

    private void syncUpTo(long upTo) throws IOException {
        if (synced >= upTo) {
            return;
        }
        IOException earlier = failure;
        if (earlier != null) {
            // What could not be synced once may be gone, whatever a second try says.
            throw new IOException("an earlier sync failed: " + earlier.getMessage(), earlier);
        }
        long now = written;
        try {
            file.getFD().sync();
            synced = now;
        } catch (IOException e) {
            failure = e;
            throw e;
        }
    }

    /** Why lines that were written may not be on the disk, null if nothing is known against it. */
    @Nullable
    IOException failure() {
        return failure;
    }

    long written() {
        return written;
    }

    /** Closes it; whoever still waits for the disk is told how that went. */
    void close(boolean andSync) throws IOException {
        syncing.lock();
        try (file) {
            if (andSync && failure == null) {
                syncUpTo(written);
            }
        } finally {
            syncing.unlock();
        }
    }

    /** A line as it is written. */
    static byte[] ended(byte[] text) {
        byte[] line = Arrays.copyOf(text, text.length + 1);
        line[text.length] = '\n';
        return line;
    }
}
