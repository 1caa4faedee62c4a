package dev.saf.local;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The folder of one run's data, in use by one process at a time. */
final class DataFolder implements AutoCloseable {

    private final Path path;
    private final Path pidFile;
    private final FileChannel pid;

    private DataFolder(Path path, Path pidFile, FileChannel pid) {
        this.path = path;
        this.pidFile = pidFile;
        this.pid = pid;
    }

    /**
     * Makes the folder if missing, and takes it: its file {@code pid} holds this process's id until it is closed.
     *
     * @throws RefusedStartException if another process has it, or it cannot be written
     */
    static DataFolder open(Path path) {
        try {
            Path folder = Files.createDirectories(path).toRealPath();
            Path pidFile = folder.resolve("pid");
            FileChannel pid = FileChannel.open(
                    pidFile, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
            // The operating system lets go of the lock when the process ends, however it ends.
            if (pid.tryLock() == null) {
                pid.close();
                throw new RefusedStartException(
                        "Saf already runs on %s, as process %s. Stop that one (just down, or Ctrl-C where it runs), or set saf.local.data (SAF_LOCAL_DATA) to another folder."
                                .formatted(folder, Files.readString(pidFile).strip()));
            }
            pid.truncate(0);
            pid.write(ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
            return new DataFolder(folder, pidFile, pid);
        } catch (IOException e) {
            throw new RefusedStartException(
                    "The folder %s cannot be used: %s. Set saf.local.data (SAF_LOCAL_DATA) to one that can be written."
                            .formatted(path.toAbsolutePath(), e),
                    e);
        }
    }

    Path path() {
        return path;
    }

    @Override
    public void close() throws IOException {
        Files.deleteIfExists(pidFile);
        pid.close();
    }
}
