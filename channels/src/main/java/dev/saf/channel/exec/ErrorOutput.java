package dev.saf.channel.exec;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** What a command writes to its standard error: all of it is read, and the beginning kept. */
final class ErrorOutput {

    private static final int MOST_BYTES = 1_000;

    private final InputStream stream;
    private final byte[] beginning = new byte[MOST_BYTES];
    private final CountDownLatch end = new CountDownLatch(1);
    private int length;

    ErrorOutput(InputStream stream) {
        this.stream = stream;
        Thread.ofPlatform().daemon().name("exec-error-output").start(this::read);
    }

    private void read() {
        byte[] buffer = new byte[8 * 1024];
        try (stream) {
            for (int n = stream.read(buffer); n >= 0; n = stream.read(buffer)) {
                keep(buffer, n);
            }
        } catch (IOException e) {
            // The command was killed.
        } finally {
            end.countDown();
        }
    }

    private synchronized void keep(byte[] bytes, int count) {
        int room = Math.min(count, MOST_BYTES - length);
        System.arraycopy(bytes, 0, beginning, length, room);
        length += room;
    }

    /** The beginning on one line; waits no longer for the end than it is given. */
    String text(Duration patience) throws InterruptedException {
        var _ = end.await(patience.toMillis(), TimeUnit.MILLISECONDS);
        synchronized (this) {
            return new String(beginning, 0, length, StandardCharsets.UTF_8)
                    .replaceAll("[\\p{Cntrl}\\s]+", " ")
                    .strip();
        }
    }
}
