package dev.saf.benchmark;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelFactory;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import javax.net.ssl.SSLContext;

/** Channels of type {@code nothing}, which do nothing with an event but count it; they can be held. */
public final class NothingFactory implements ChannelFactory<NothingFactory.Nothing> {

    private static final LongAdder DELIVERED = new LongAdder();
    private static volatile CountDownLatch gate = new CountDownLatch(1);

    /**
     * What may be set.
     *
     * @param failing of a hundred events, so many fail
     */
    public record Nothing(int failing) {}

    static long delivered() {
        return DELIVERED.sum();
    }

    /** Lets deliveries through, or holds them. */
    static void open(boolean open) {
        CountDownLatch before = gate;
        gate = new CountDownLatch(open ? 0 : 1);
        before.countDown();
    }

    @Override
    public String type() {
        return "nothing";
    }

    @Override
    public String description() {
        return "What a test says";
    }

    @Override
    public Class<Nothing> settings() {
        return Nothing.class;
    }

    @Override
    public Channel open(String name, Nothing settings, Function<String, SSLContext> sslContexts) {
        return event -> {
            gate.await();
            if (settings.failing() > 0 && Math.floorMod(event.id().hashCode() * 0x9E3779B9, 100) < settings.failing()) {
                throw new IllegalStateException("fails, and on purpose");
            }
            DELIVERED.increment();
        };
    }
}
