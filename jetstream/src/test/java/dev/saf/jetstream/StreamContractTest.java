package dev.saf.jetstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.nats.client.api.CompressionOption;
import io.nats.client.api.ConsumerLimits;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.Mirror;
import io.nats.client.api.PersistMode;
import io.nats.client.api.RetentionPolicy;
import io.nats.client.api.Source;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import io.nats.client.api.SubjectTransform;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class StreamContractTest {

    private final StreamConfiguration asked = Settled.streams(
                    "events.replicas", "3", "events.max-bytes", "1GB", "events.description", "all")
            .events()
            .configuration();

    @Test
    void findsNothingInWhatWasAskedFor() {
        assertThat(StreamContract.compare(asked, asked)).isEqualTo(new StreamState.Sound(List.of()));
    }

    @Test
    void findsUnsafeWhatBreaksAPromise() {
        assertUnsafe("no-ack=true where false is configured", real -> real.noAck(true));
        assertUnsafe("persistence=async where default", real -> real.persistMode(PersistMode.Async));
        assertUnsafe("retention=interest where limits", real -> real.retentionPolicy(RetentionPolicy.Interest));
        assertUnsafe("retention=workqueue where limits", real -> real.retentionPolicy(RetentionPolicy.WorkQueue));
        assertUnsafe("discard=old where new", real -> real.discardPolicy(DiscardPolicy.Old));
        assertUnsafe("sealed=true where false", StreamConfiguration.Builder::seal);
        assertUnsafe(
                "mirror=other where nothing",
                real -> real.mirror(Mirror.builder().name("other").build()));
        assertUnsafe(
                "sources=1 where 0",
                real -> real.sources(Source.builder().name("other").build()));
        assertUnsafe(
                "subject-transform=true where false",
                real -> real.subjectTransform(SubjectTransform.builder()
                        .source("events.>")
                        .destination("other.>")
                        .build()));
        assertUnsafe("allow-rollup=true where false", real -> real.allowRollup(true));
        assertUnsafe("allow-counter=true where false", real -> real.allowMessageCounter(true));
        assertUnsafe(
                "consumer-limits.inactive-threshold=1h where",
                real -> real.consumerLimits(ConsumerLimits.builder()
                        .inactiveThreshold(Duration.ofHours(1))
                        .build()));
        assertUnsafe("subjects=[events.a] where [events.>]", real -> real.subjects("events.a"));
        assertUnsafe("storage=memory where file", real -> real.storageType(StorageType.Memory));
        assertUnsafe("replicas=1 where 3", real -> real.replicas(1));
        assertUnsafe("max-age=1h where 7d", real -> real.maxAge(Duration.ofHours(1)));
        assertUnsafe("duplicate-window=2m where 10m", real -> real.duplicateWindow(Duration.ofMinutes(2)));
        assertUnsafe("max-messages-per-subject=1 where -1", real -> real.maxMessagesPerSubject(1));
    }

    @Test
    void warnsOfWhatIsMerelyDifferent() {
        assertDifferent("replicas=5 where 3", real -> real.replicas(5));
        assertDifferent("max-age=8d where 7d", real -> real.maxAge(Duration.ofDays(8)));
        assertDifferent("max-age=0ms where 7d", real -> real.maxAge(Duration.ZERO));
        assertDifferent("duplicate-window=1h where 10m", real -> real.duplicateWindow(Duration.ofHours(1)));
        assertDifferent("subjects=[events.>, more] where", real -> real.subjects("events.>", "more"));
        assertDifferent("max-bytes=1 where", real -> real.maxBytes(1));
        assertDifferent("max-messages=1 where", real -> real.maxMessages(1));
        assertDifferent(
                "max-messages-per-subject=1 where",
                real -> real.maxMessagesPerSubject(1).discardNewPerSubject(true));
        assertDifferent("max-message-size=1 where", real -> real.maximumMessageSize(1));
        assertDifferent("max-consumers=1 where", real -> real.maxConsumers(1));
        assertDifferent("compression=s2 where none", real -> real.compressionOption(CompressionOption.S2));
        assertDifferent("allow-direct=true where", real -> real.allowDirect(true));
        assertDifferent("allow-atomic=false where", real -> real.allowAtomicPublish(false));
        assertDifferent("allow-ttl=true where", real -> real.allowMessageTtl(true));
        assertDifferent("deny-delete=true where", real -> real.denyDelete(true));
        assertDifferent("deny-purge=true where", real -> real.denyPurge(true));
        assertDifferent("description=other where all", real -> real.description("other"));
    }

    @Test
    void findsNothingInWhatIsAskedForByDefault() {
        for (String stream : Streams.ALL) {
            StreamConfiguration same = Settled.streams().configuration(stream);
            assertThat(StreamContract.compare(same, same)).isEqualTo(new StreamState.Sound(List.of()));
        }
    }

    @Test
    void findsUnsafeWhatLosesARetry() {
        StreamConfiguration later = Settled.streams().configuration(Streams.LATER);
        assertUnsafe(later, "max-age=30d where 0ms", real -> real.maxAge(Duration.ofDays(30)));
        assertUnsafe(later, "max-bytes=1024 where -1", real -> real.maxBytes(1024));
        assertUnsafe(later, "max-messages=1 where -1", real -> real.maxMessages(1));
        assertUnsafe(later, "max-messages-per-subject=1 where -1", real -> real.maxMessagesPerSubject(1));
        assertUnsafe(later, "allow-schedules=false where true", real -> real.allowMessageSchedules(false));
        assertUnsafe(later, "allow-ttl=false where true", real -> real.allowMessageTtl(false));
        assertUnsafe(later, "deny-delete=true where false", real -> real.denyDelete(true));
        assertUnsafe(later, "deny-purge=true where false", real -> real.denyPurge(true));
        assertUnsafe(later, "no-ack=true where false", real -> real.noAck(true));
        assertUnsafe(later, "retention=workqueue where", real -> real.retentionPolicy(RetentionPolicy.WorkQueue));
        assertUnsafe(later, "storage=memory where file", real -> real.storageType(StorageType.Memory));
        assertUnsafe(later, "subjects=[later.at.>] where", real -> real.subjects("later.at.>"));
        assertUnsafe(
                later,
                "consumer-limits.inactive-threshold=1h where",
                real -> real.consumerLimits(ConsumerLimits.builder()
                        .inactiveThreshold(Duration.ofHours(1))
                        .build()));
        assertDifferent(later, "discard=new where old", real -> real.discardPolicy(DiscardPolicy.New));
        assertDifferent(later, "allow-direct=false where true", real -> real.allowDirect(false));
        assertDifferent(later, "duplicate-window=2m where", real -> real.duplicateWindow(Duration.ofMinutes(2)));
    }

    @Test
    void findsUnsafeWhatForgetsAFact() {
        StreamConfiguration state = Settled.streams().configuration(Streams.STATE);
        assertUnsafe(state, "max-age=1h where 0ms", real -> real.maxAge(Duration.ofHours(1)));
        assertUnsafe(state, "discard=old where new", real -> real.discardPolicy(DiscardPolicy.Old));
        assertUnsafe(state, "storage=memory where file", real -> real.storageType(StorageType.Memory));
        assertDifferent(state, "max-messages-per-subject=5 where 1", real -> real.maxMessagesPerSubject(5));
        assertDifferent(state, "max-bytes=1 where", real -> real.maxBytes(1));
        assertDifferent(state, "allow-rollup=false where true", real -> real.allowRollup(false));
    }

    @Test
    void isContentWithAdvisoriesThatArrive() {
        StreamConfiguration advisories = Settled.streams().configuration(Streams.ADVISORIES);
        assertUnsafe(advisories, "subjects=[other] where", real -> real.subjects("other"));
        assertUnsafe(advisories, "sealed=true where", StreamConfiguration.Builder::seal);
        assertDifferent(advisories, "max-age=1h where 30d", real -> real.maxAge(Duration.ofHours(1)));
        assertDifferent(advisories, "storage=memory where", real -> real.storageType(StorageType.Memory));
        assertDifferent(advisories, "no-ack=true where", real -> real.noAck(true));
    }

    private void assertUnsafe(String reason, UnaryOperator<StreamConfiguration.Builder> change) {
        assertUnsafe(asked, reason, change);
    }

    private void assertDifferent(String difference, UnaryOperator<StreamConfiguration.Builder> change) {
        assertDifferent(asked, difference, change);
    }

    private static void assertUnsafe(
            StreamConfiguration asked, String reason, UnaryOperator<StreamConfiguration.Builder> change) {
        assertThat(compare(asked, change))
                .isInstanceOfSatisfying(
                        StreamState.Unsafe.class,
                        state -> assertThat(state.reasons())
                                .singleElement()
                                .asString()
                                .startsWith("stream " + asked.getName() + " has " + reason)
                                .contains(": "));
    }

    private static void assertDifferent(
            StreamConfiguration asked, String difference, UnaryOperator<StreamConfiguration.Builder> change) {
        assertThat(compare(asked, change))
                .isInstanceOfSatisfying(
                        StreamState.Sound.class,
                        state -> assertThat(state.differences())
                                .singleElement()
                                .asString()
                                .startsWith("stream " + asked.getName() + " has " + difference));
    }

    private static StreamState compare(StreamConfiguration asked, UnaryOperator<StreamConfiguration.Builder> change) {
        return StreamContract.compare(
                asked, change.apply(StreamConfiguration.builder(asked)).build());
    }
}
