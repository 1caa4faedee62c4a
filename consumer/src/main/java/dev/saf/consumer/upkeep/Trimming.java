package dev.saf.consumer.upkeep;

import dev.saf.consumer.ledger.StoredMessages;
import dev.saf.jetstream.Streams;
import io.micrometer.core.instrument.Counter;
import io.nats.client.JetStreamApiException;
import io.nats.client.PurgeOptions;
import io.nats.client.api.MessageInfo;
import io.nats.client.api.StreamInfo;
import io.nats.client.api.StreamState;
import java.io.IOException;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Purges delivered events, oldest first, when the stream {@code events} gets full: it refuses new events rather than
 * drop old ones, and does not know which of them are of no use any more.
 *
 * <p>Whatever anybody who consumes the stream has not settled stays, and whatever is younger than two duplicate
 * windows.
 */
final class Trimming implements Task {

    private static final Logger log = LoggerFactory.getLogger(Trimming.class);

    /** Sizes differ, so what is purged is too little or too much at first. */
    private static final int MAX_STEPS = 10;

    private static final long SILENCE_NANOS = Duration.ofMinutes(10).toNanos();

    private final Access access;
    private final StoredMessages messages;
    private final List<String> durables;
    private final Advisories advisories;
    private final UpkeepSettings settings;
    private final Counter trimmed;
    private long silentUntilNanos = System.nanoTime();

    /** @param durables of the channels that are configured */
    Trimming(Access access, List<String> durables, Advisories advisories, UpkeepSettings settings, Counter trimmed) {
        this.access = access;
        this.messages = new StoredMessages(access.nats());
        this.durables = List.copyOf(durables);
        this.advisories = advisories;
        this.settings = settings;
        this.trimmed = trimmed;
    }

    @Override
    public void run() throws IOException, JetStreamApiException {
        StreamInfo stream = access.stream(Streams.EVENTS);
        if (usage(stream) <= settings.trimAbove()) {
            return;
        }
        Consumers.Floor floor = new Consumers(access, messages)
                .settled(Streams.EVENTS, stream.getStreamState().getLastSequence(), durables);
        long bound = Math.min(floor.sequence(), old(stream));
        // What the server has given up counts as settled there, and is not yet a dead letter here.
        if (!advisories.allSeen()) {
            return;
        }
        if (purge(stream, bound) == 0) {
            tell(stream, floor);
        }
    }

    /** The last sequence that is old enough. */
    private long old(StreamInfo stream) throws IOException {
        Duration window = stream.getConfiguration().getDuplicateWindow();
        ZonedDateTime now = stream.getTimestamp();
        if (window == null || now == null) {
            throw new IOException("nats-server did not say how late it is");
        }
        MessageInfo young = messages.since(Streams.EVENTS, now.minus(window.multipliedBy(2)));
        return young == null ? stream.getStreamState().getLastSequence() : young.getSeq() - 1;
    }

    private long purge(StreamInfo before, long bound) throws IOException, JetStreamApiException {
        StreamInfo stream = before;
        long purged = 0;
        for (int i = 0; i < MAX_STEPS && usage(stream) > settings.trimTo(); i++) {
            long through = Math.min(bound, enough(stream));
            if (through < stream.getStreamState().getFirstSequence()) {
                break;
            }
            long now = access.management()
                    .purgeStream(
                            Streams.EVENTS,
                            PurgeOptions.builder().sequence(through + 1).build())
                    .getPurged();
            trimmed.increment((double) now);
            purged += now;
            stream = access.stream(Streams.EVENTS);
        }
        if (purged > 0) {
            log.info(
                    "stream {}: {} delivered events purged, it was {} full and is {} full now; the oldest event is {}",
                    Streams.EVENTS,
                    purged,
                    percent(before),
                    percent(stream),
                    stream.getStreamState().getFirstSequence());
        }
        return purged;
    }

    /** Up to where to purge if all messages were of the same size. */
    private long enough(StreamInfo stream) {
        StreamState state = stream.getStreamState();
        double surplus = 1 - settings.trimTo() / usage(stream);
        return state.getFirstSequence() + Math.max(1, Math.round(surplus * state.getMsgCount())) - 1;
    }

    /** Which part of its limits the stream uses. */
    private static double usage(StreamInfo stream) {
        return Math.max(
                part(
                        stream.getStreamState().getByteCount(),
                        stream.getConfiguration().getMaxBytes()),
                part(
                        stream.getStreamState().getMsgCount(),
                        stream.getConfiguration().getMaxMsgs()));
    }

    private static double part(long used, long most) {
        return most <= 0 ? 0 : (double) used / most;
    }

    private static String percent(StreamInfo stream) {
        return String.format(Locale.ROOT, "%.0f %%", usage(stream) * 100);
    }

    private void tell(StreamInfo stream, Consumers.Floor floor) {
        long now = System.nanoTime();
        if (now - silentUntilNanos < 0) {
            return;
        }
        silentUntilNanos = now + SILENCE_NANOS;
        log.warn(
                "stream {} is {} full and nothing can be purged: {}, and what is younger than two duplicate windows"
                        + " stays; when it is full it takes no more events",
                Streams.EVENTS,
                percent(stream),
                floor.holder());
    }
}
