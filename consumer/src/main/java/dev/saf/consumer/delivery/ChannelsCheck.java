package dev.saf.consumer.delivery;

import dev.saf.jetstream.check.Area;
import dev.saf.jetstream.check.Check;
import dev.saf.jetstream.check.Finding;
import java.util.List;
import java.util.function.Consumer;

/** Whether the destination of every channel can be reached. Asks all of them at once. */
public final class ChannelsCheck implements Check, AutoCloseable {

    private final Channels channels;
    private final boolean vital;

    /**
     * Prepares to look.
     *
     * @param vital whether it is wrong if one cannot be reached; its events would wait
     */
    public ChannelsCheck(Channels channels, boolean vital) {
        this.channels = channels;
        this.vital = vital;
    }

    @Override
    public void run(Consumer<Finding> found) throws InterruptedException {
        List<Thread> looking = channels.all().stream()
                .map(each -> Thread.ofVirtual().name("check-" + each.name()).start(() -> found.accept(look(each))))
                .toList();
        try {
            for (Thread each : looking) {
                each.join();
            }
        } catch (InterruptedException e) {
            looking.forEach(Thread::interrupt);
            throw e;
        }
    }

    private Finding look(ConfiguredChannel channel) {
        try {
            channel.channel().check();
            return Finding.ok(Area.CHANNELS, "channel " + channel.name());
        } catch (Exception e) {
            String text =
                    "channel %s: %s; see that the destination is up and lets this machine in, or correct saf.channels.%s"
                            .formatted(channel.name(), e.getMessage() == null ? e : e.getMessage(), channel.name());
            return vital
                    ? Finding.fail(Area.CHANNELS, text)
                    : Finding.note(Area.CHANNELS, text + "; until then its events wait");
        }
    }

    @Override
    public void close() {
        channels.close();
    }
}
