package dev.saf.consumer.delivery;

import dev.saf.consumer.ledger.Parking;
import dev.saf.event.WireFormat;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamManagement;
import io.nats.client.JetStreamOptions;
import io.nats.client.api.AckPolicy;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.ConsumerInfo;
import io.nats.client.api.DeliverPolicy;
import io.nats.client.api.ReplayPolicy;
import java.io.IOException;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A channel's durable consumer on the stream: where the server remembers which events the channel has had. Created when
 * the service starts and it is missing; brought up to date where the server can; otherwise left as it is.
 *
 * <p>One that disappears while the service runs took its memory with it. To create it anew would offer every event of
 * the stream again, so nobody does that unasked; unless the stream itself is another one, where all events are new.
 */
final class Durable {

    private static final int CONSUMER_NOT_FOUND = 10014;
    private static final int CONSUMER_EXISTS = 10148;
    private static final int NAME_IN_USE = 10013;
    private static final Duration TIMEOUT = Duration.ofSeconds(2);

    private static final Logger log = LoggerFactory.getLogger(Durable.class);

    private final Source source;
    private final String name;
    private final ConfiguredChannel channel;
    private boolean toldWhereItBegan;

    /** When the stream was created that this durable has been seen on, null before. */
    private @Nullable ZonedDateTime seenOn;

    Durable(Source source, ConfiguredChannel channel) {
        this.source = source;
        this.name = source.durable();
        this.channel = channel;
    }

    String name() {
        return name;
    }

    /**
     * Makes sure that the durable is there and as it must be.
     *
     * @return why it cannot be used and what to do, null if it can
     * @throws JetStreamApiException if there is no stream, or the server refuses to create or update
     */
    @Nullable
    String ensure(Connection connection) throws IOException, JetStreamApiException {
        JetStreamManagement management = management(connection);
        if (source.kind == Source.Kind.REPLAY) {
            return find(management) == null
                    ? "durable consumer " + name + " of stream " + source.kind.stream
                            + " is gone, and with it the memory of how far the replay had come"
                    : null;
        }
        ZonedDateTime stream = management.getStreamInfo(source.kind.stream).getCreateTime();
        ConsumerInfo info = find(management);
        if (info == null) {
            // Due messages are few and are told apart by their subjects: to begin with the first one does no harm.
            if (stream.equals(seenOn) && source.kind != Source.Kind.DUE) {
                return "durable consumer " + name + " of stream " + source.kind.stream
                        + " was deleted while this channel"
                        + " used it, and with it the memory of what was delivered; create it where delivery is to go"
                        + " on (nats consumer add), or start this service again to begin where deliver says ("
                        + Intake.text(channel.intake().deliver()) + ")";
            }
            info = create(management);
        }
        String problem = problem(info.getConsumerConfiguration());
        if (problem != null) {
            return problem;
        }
        if (!isUpToDate(info.getConsumerConfiguration())) {
            info = management.updateConsumer(source.kind.stream, updated(info.getConsumerConfiguration()));
        }
        tellWhereItBegan(info.getConsumerConfiguration());
        seenOn = stream;
        return isUpToDate(info.getConsumerConfiguration())
                ? null
                : "durable consumer " + name + " could not be updated to what is configured" + remedy();
    }

    /** How the durable is, null if there is none. */
    @Nullable
    ConsumerInfo look(Connection connection) throws IOException, JetStreamApiException {
        return find(management(connection));
    }

    /**
     * Why the durable that is there cannot be used and what to do, null if it can or there is none. Changes nothing.
     */
    @Nullable
    String check(Connection connection) throws IOException, JetStreamApiException {
        ConsumerInfo info = look(connection);
        return info == null ? null : problem(info.getConsumerConfiguration());
    }

    private ConsumerInfo create(JetStreamManagement management) throws IOException, JetStreamApiException {
        try {
            return management.createConsumer(
                    source.kind.stream,
                    updated(begin(ConsumerConfiguration.builder()
                                    .durable(name)
                                    .ackPolicy(ackPolicy())
                                    .replayPolicy(replayPolicy()))
                            .build()));
        } catch (JetStreamApiException e) {
            if (e.getApiErrorCode() == CONSUMER_EXISTS || e.getApiErrorCode() == NAME_IN_USE) {
                // Another replica was faster.
                return management.getConsumerInfo(source.kind.stream, name);
            }
            throw e;
        }
    }

    private @Nullable ConsumerInfo find(JetStreamManagement management) throws IOException, JetStreamApiException {
        try {
            return management.getConsumerInfo(source.kind.stream, name);
        } catch (JetStreamApiException e) {
            if (e.getApiErrorCode() == CONSUMER_NOT_FOUND) {
                return null;
            }
            throw e;
        }
    }

    /** Where a new durable starts. On a stream that was made anew while this process runs, every event is new. */
    private ConsumerConfiguration.Builder begin(ConsumerConfiguration.Builder durable) {
        Intake intake = channel.intake();
        if (source.kind != Source.Kind.EVENTS || seenOn != null) {
            return durable.deliverPolicy(DeliverPolicy.All);
        }
        durable.deliverPolicy(deliverPolicy());
        if (intake.deliverSequence() != null) {
            durable.startSequence(intake.deliverSequence());
        }
        if (intake.deliverTime() != null) {
            durable.startTime(intake.deliverTime().atZone(ZoneOffset.UTC));
        }
        return durable;
    }

    private DeliverPolicy deliverPolicy() {
        return switch (channel.intake().deliver()) {
            case ALL -> DeliverPolicy.All;
            case NEW -> DeliverPolicy.New;
            case LAST -> DeliverPolicy.Last;
            case LAST_PER_SUBJECT -> DeliverPolicy.LastPerSubject;
            case FROM_SEQUENCE -> DeliverPolicy.ByStartSequence;
            case FROM_TIME -> DeliverPolicy.ByStartTime;
        };
    }

    /** Retries are always pulled and acknowledged alike, whatever is said of the channel's events. */
    private AckPolicy ackPolicy() {
        if (source.kind != Source.Kind.EVENTS) {
            return AckPolicy.Explicit;
        }
        return switch (channel.intake().ack()) {
            case EXPLICIT -> AckPolicy.Explicit;
            case NONE -> AckPolicy.None;
            case ALL -> AckPolicy.All;
        };
    }

    private ReplayPolicy replayPolicy() {
        return source.kind == Source.Kind.EVENTS && channel.intake().replay() == Intake.Replay.ORIGINAL
                ? ReplayPolicy.Original
                : ReplayPolicy.Instant;
    }

    /** A durable that exists goes on where it is, so a different beginning is no problem, but may be a surprise. */
    private void tellWhereItBegan(ConsumerConfiguration actual) {
        if (source.kind == Source.Kind.EVENTS && !toldWhereItBegan && actual.getDeliverPolicy() != deliverPolicy()) {
            log.info(
                    "channel {}: deliver is {} and counts for a new durable only; {} exists, was created with {}, and"
                            + " goes on where it is",
                    source.name(),
                    Intake.text(channel.intake().deliver()),
                    name,
                    actual.getDeliverPolicy());
            toldWhereItBegan = true;
        }
    }

    /** What no update can cure. */
    private @Nullable String problem(ConsumerConfiguration actual) {
        String what = null;
        if (actual.getDeliverSubject() != null) {
            what = "pushes events, and must be one to pull from";
        } else if (actual.getAckPolicy() != ackPolicy()) {
            what = "has the ack policy " + actual.getAckPolicy() + ", and must have " + ackPolicy();
        } else if (actual.getReplayPolicy() != replayPolicy()) {
            what = "has the replay policy " + actual.getReplayPolicy() + ", and must have " + replayPolicy();
        } else if (actual.getPriorityGroups() != null
                && !actual.getPriorityGroups().isEmpty()) {
            what = "has priority groups, and must have none";
        }
        return what == null
                ? null
                : "durable consumer " + name + " of stream " + source.kind.stream + " " + what + remedy();
    }

    private String remedy() {
        return "; delete it (nats consumer rm " + source.kind.stream + " " + name
                + "), and it is created anew and begins where deliver says ("
                + Intake.text(channel.intake().deliver()) + "), or give the channel another name";
    }

    private boolean isUpToDate(ConsumerConfiguration actual) {
        return new HashSet<>(orEmpty(actual.getFilterSubjects())).equals(new HashSet<>(filters()))
                && (ackPolicy() == AckPolicy.None
                        || (channel.settings().ackWait().equals(actual.getAckWait())
                                && actual.getMaxAckPending() == channel.maxAckPending()))
                && actual.getMaxDeliver() < 0
                && orEmpty(actual.getBackoff()).isEmpty()
                && actual.isHeadersOnly() == channel.intake().headersOnly()
                && Objects.equals(actual.getSampleFrequency(), sample())
                && (actual.getInactiveThreshold() == null
                        || actual.getInactiveThreshold().isZero());
    }

    /** Attempts are counted here and not by the server, which would only stop to deliver; the same for pauses. */
    private ConsumerConfiguration updated(ConsumerConfiguration actual) {
        ConsumerConfiguration.Builder updated = ConsumerConfiguration.builder(actual)
                .filterSubjects(filters())
                .maxDeliver(-1)
                .backoff(new Duration[0])
                .headersOnly(channel.intake().headersOnly())
                .sampleFrequency(sample())
                .inactiveThreshold(0);
        if (ackPolicy() != AckPolicy.None) {
            updated.ackWait(channel.settings().ackWait()).maxAckPending(channel.maxAckPending());
        }
        return updated.build();
    }

    /** In the form the server has it, null for none. */
    private @Nullable String sample() {
        int percent = channel.intake().sample();
        return percent == 0 || source.kind != Source.Kind.EVENTS ? null : percent + "%";
    }

    /** The client has null for what the server does not mention. */
    private static <T> List<T> orEmpty(@Nullable List<T> list) {
        return list == null ? List.of() : list;
    }

    private List<String> filters() {
        if (source.kind == Source.Kind.DUE) {
            return List.of(Parking.DUE + source.channel + ".>");
        }
        return channel.settings().subjects().stream()
                .map(subject -> WireFormat.SUBJECT_PREFIX + subject)
                .toList();
    }

    private static JetStreamManagement management(Connection connection) throws IOException {
        return connection.jetStreamManagement(
                JetStreamOptions.builder().requestTimeout(TIMEOUT).build());
    }
}
