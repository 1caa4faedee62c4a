package dev.saf.consumer.ledger;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.Opened;
import dev.saf.consumer.ledger.SharedState.Entry;
import dev.saf.jetstream.Streams;
import dev.saf.natsserver.NatsServer;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

@Timeout(180)
class SharedStateIT {

    private record Fact(String reason, Instant since) {}

    private static final Fact FIRST = new Fact("first", Instant.parse("2026-01-02T03:04:05.006Z"));
    private static final Fact SECOND = new Fact("second", Instant.parse("2026-01-02T03:04:06Z"));

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Connected connected = opened.add(connect());
    private final SharedState state = new SharedState(connected.nats());

    private Connected connect() {
        try {
            return Connected.to(List.of(server.url()));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void keepsAFactAsJson() throws Exception {
        Instant before = Instant.now().minusSeconds(5);
        assertThat(state.get("channel.billing")).isNull();
        long revision = state.put("channel.billing", FIRST);
        Entry entry = requireNonNull(state.get("channel.billing"));
        assertThat(entry.key()).isEqualTo("channel.billing");
        assertThat(entry.value()).isEqualTo("{\"reason\":\"first\",\"since\":\"2026-01-02T03:04:05.006Z\"}");
        assertThat(entry.as(Fact.class)).isEqualTo(FIRST);
        assertThat(entry.revision()).isEqualTo(revision);
        assertThat(entry.created()).isBetween(before, Instant.now().plusSeconds(5));
        assertThatThrownBy(() -> entry.as(Integer.class))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("shared state: the value of channel.billing is not understood: ");
    }

    @Test
    void createsOnlyWhatIsNotThere() throws Exception {
        OptionalLong created = state.create("redrive.1", FIRST);
        assertThat(created).isPresent();
        assertThat(state.create("redrive.1", SECOND)).isEmpty();
        assertThat(requireNonNull(state.get("redrive.1")).as(Fact.class)).isEqualTo(FIRST);
        assertThat(state.delete("redrive.1")).isTrue();
        assertThat(state.create("redrive.1", SECOND)).isPresent();
    }

    @Test
    void letsOneOfTwoUpdate() throws Exception {
        long first = state.put("channel.billing", FIRST);
        OptionalLong second = state.update("channel.billing", SECOND, first);
        assertThat(second).isPresent();
        assertThat(second.getAsLong()).isGreaterThan(first);
        assertThat(state.update("channel.billing", FIRST, first)).isEmpty();
        assertThat(requireNonNull(state.get("channel.billing")).as(Fact.class)).isEqualTo(SECOND);
    }

    @Test
    void deletesWithoutATrace() throws Exception {
        long first = state.put("replay.1", FIRST);
        long second = state.put("replay.1", SECOND);
        long other = state.put("replay.10", FIRST);
        assertThat(state.delete("replay.1", first)).isFalse();
        assertThat(requireNonNull(state.get("replay.1")).revision()).isEqualTo(second);
        assertThat(state.delete("replay.1", second)).isTrue();
        assertThat(state.get("replay.1")).isNull();
        assertThat(state.delete("replay.1")).isFalse();
        assertThat(requireNonNull(state.get("replay.10")).revision()).isEqualTo(other);
        assertThat(connected
                        .connection()
                        .jetStreamManagement()
                        .getStreamInfo(Streams.STATE)
                        .getStreamState()
                        .getMsgCount())
                .isEqualTo(1);
    }

    @Test
    void listsKeysByTheirFirstTokens() throws Exception {
        for (String key : List.of("trial.b.2", "trial.a.1", "trials.a", "channel.a")) {
            var _ = state.put(key, FIRST);
        }
        assertThat(state.keys("trial.")).containsExactly("trial.a.1", "trial.b.2");
        assertThat(state.keys("trial.b.")).containsExactly("trial.b.2");
        assertThat(state.keys("")).containsExactly("channel.a", "trial.a.1", "trial.b.2", "trials.a");
        assertThat(state.keys("none.")).isEmpty();
        assertThatThrownBy(() -> state.keys("trial")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void livesWithWhatTheNatsToolDeletes() throws Exception {
        var _ = state.put("channel.a", FIRST);
        connected.connection().keyValue(Streams.BUCKET).delete("channel.a");
        assertThat(state.get("channel.a")).isNull();
        assertThat(state.create("channel.a", SECOND)).isPresent();
    }

    @Test
    void saysSoonThatNobodyAnswers() throws Exception {
        long revision = state.put("channel.a", FIRST);
        server.freeze();
        long begin = System.nanoTime();
        assertThatThrownBy(() -> state.get("channel.a"))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("shared state: could not read channel.a: ");
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(5));
        server.thaw();
        server.kill();
        await().until(() -> connected.nats().current() == null);
        assertThatThrownBy(() -> state.update("channel.a", SECOND, revision))
                .isInstanceOf(IOException.class)
                .hasMessage("shared state: could not update channel.a: not connected to NATS");
        server.restart();
        await().until(() -> connected.nats().current() != null);
        assertThat(requireNonNull(state.get("channel.a")).as(Fact.class)).isEqualTo(FIRST);
    }
}
