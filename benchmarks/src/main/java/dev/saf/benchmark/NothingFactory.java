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

    /** Nothing to be set. */
    public record Nothing() {}

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
    public Class<Nothing> settings() {
        return Nothing.class;
    }

    @Override
    public Channel open(String name, Nothing settings, Function<String, SSLContext> sslContexts) {
        return event -> {
            gate.await();
            DELIVERED.increment();
        };
    }
}
