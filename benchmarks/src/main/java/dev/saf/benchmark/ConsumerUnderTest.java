package dev.saf.benchmark;

import dev.saf.consumer.ConsumerApplication;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** The consumer with one channel that does nothing, held until it is asked to deliver for some milliseconds. */
final class ConsumerUnderTest {

    static final String OPEN = "open";
    static final String DELIVERED = "delivered";

    private ConsumerUnderTest() {}

    public static void main(String[] args) throws IOException {
        var context = ConsumerApplication.start(args);
        Parent.serve(context.getId(), question -> switch (question) {
            case OPEN -> {
                NothingFactory.open(true);
                yield OPEN;
            }
            case DELIVERED -> NothingFactory.delivered();
            default -> deliver(Duration.ofMillis(Long.parseLong(question)));
        });
    }

    private static double deliver(Duration duration) {
        long before = NothingFactory.delivered();
        long start = System.nanoTime();
        NothingFactory.open(true);
        while (System.nanoTime() - start < duration.toNanos()) {
            LockSupport.parkNanos(duration.toNanos() - (System.nanoTime() - start));
        }
        NothingFactory.open(false);
        return (NothingFactory.delivered() - before) * 1e9 / (System.nanoTime() - start);
    }
}
