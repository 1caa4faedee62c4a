package dev.saf.consumer.ledger;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.Opened;
import dev.saf.natsserver.NatsCluster;
import dev.saf.natsserver.NatsServer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

@Timeout(180)
class LeaseIT {

    private static final Lease.Times TIMES =
            new Lease.Times(Duration.ofSeconds(3), Duration.ofSeconds(8), Duration.ofSeconds(10));

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Connected connected = opened.add(connect());
    private final SharedState state = new SharedState(connected.nats());
    private final AtomicLong seconds = new AtomicLong(1000);
    private final Lease one = lease("one");
    private final Lease two = lease("two");

    private Connected connect() {
        try {
            return Connected.to(List.of(server.url()));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private Lease lease(String owner) {
        return new Lease(state, "upkeep", owner, TIMES, () -> seconds.get() * 1_000_000_000);
    }

    @Test
    void isHeldByOneOfTwo() throws Exception {
        assertThat(one.held()).isFalse();
        assertThat(one.renew()).isTrue();
        assertThat(two.renew()).isFalse();
        for (int i = 0; i < 60; i++) {
            seconds.incrementAndGet();
            assertThat(one.renew()).isTrue();
            assertThat(two.renew()).isFalse();
        }
        assertThat(two.held()).isFalse();
        assertThat(requireNonNull(state.get("lease.upkeep")).value()).contains("\"owner\":\"one\"");
    }

    @Test
    void isRenewedNoMoreThanNeeded() throws Exception {
        assertThat(one.renew()).isTrue();
        long first = requireNonNull(state.get("lease.upkeep")).revision();
        seconds.addAndGet(2);
        assertThat(one.renew()).isTrue();
        assertThat(requireNonNull(state.get("lease.upkeep")).revision()).isEqualTo(first);
        seconds.addAndGet(1);
        assertThat(one.renew()).isTrue();
        assertThat(requireNonNull(state.get("lease.upkeep")).revision()).isGreaterThan(first);
    }

    @Test
    void goesToTheRivalOfOneThatIsSilent() throws Exception {
        assertThat(one.renew()).isTrue();
        assertThat(two.renew()).isFalse();
        seconds.addAndGet(7);
        assertThat(one.held()).isTrue();
        seconds.addAndGet(1);
        assertThat(one.held()).isFalse();
        seconds.addAndGet(1);
        assertThat(two.renew()).isFalse();
        seconds.addAndGet(1);
        assertThat(two.renew()).isTrue();
        // The silent one is back, and its time is over.
        assertThat(one.renew()).isFalse();
        assertThat(two.held()).isTrue();
    }

    @Test
    void countsARivalsPatienceFromItsLastRenewal() throws Exception {
        assertThat(one.renew()).isTrue();
        assertThat(two.renew()).isFalse();
        seconds.addAndGet(9);
        // Late, but nobody has taken over.
        assertThat(one.renew()).isTrue();
        seconds.addAndGet(2);
        assertThat(two.renew()).isFalse();
        seconds.addAndGet(9);
        assertThat(two.renew()).isFalse();
        seconds.addAndGet(1);
        assertThat(two.renew()).isTrue();
    }

    @Test
    void goesAtOnceWhenItIsGivenBack() throws Exception {
        assertThat(one.renew()).isTrue();
        assertThat(two.renew()).isFalse();
        one.release();
        assertThat(one.held()).isFalse();
        assertThat(two.renew()).isTrue();
        // What is not one's own any more is not given back.
        one.release();
        seconds.addAndGet(3);
        assertThat(two.renew()).isTrue();
    }

    @Test
    void staysForItsTimeWhenNobodyAnswers() throws Exception {
        assertThat(one.renew()).isTrue();
        server.kill();
        await().until(() -> connected.nats().current() == null);
        seconds.addAndGet(4);
        assertThatThrownBy(one::renew).isInstanceOf(IOException.class).hasMessageContaining("not connected to NATS");
        assertThat(one.held()).isTrue();
        seconds.addAndGet(4);
        assertThat(one.held()).isFalse();
        server.restart();
        await().until(() -> connected.nats().current() != null);
        assertThat(one.renew()).isTrue();
    }

    @Test
    void isKeptWhenTheAnswerToARenewalWasLost() throws Exception {
        assertThat(one.renew()).isTrue();
        var entry = requireNonNull(state.get("lease.upkeep"));
        // Just what the server does with a renewal whose answer does not arrive.
        assertThat(state.update("lease.upkeep", entry.as(Object.class), entry.revision()))
                .isPresent();
        seconds.addAndGet(3);
        assertThat(one.renew()).isTrue();
        seconds.addAndGet(3);
        assertThat(one.renew()).isTrue();
    }

    @Test
    void isNeverHeldByTwoAtOnce() throws Exception {
        race(state);
    }

    @Test
    void isNeverHeldByTwoAtOnceWhereAnyReplicaMayAnswer() throws Exception {
        try (NatsCluster cluster = NatsCluster.start(3);
                Connected toCluster = Connected.to(cluster.urls(), "saf.streams.state.replicas", "3")) {
            race(new SharedState(toCluster.nats()));
        }
    }

    private static void race(SharedState state) throws Exception {
        Lease.Times quick = new Lease.Times(Duration.ofMillis(20), Duration.ofMillis(80), Duration.ofMillis(120));
        List<Lease> leases = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            leases.add(new Lease(state, "quick", "p" + i, quick, System::nanoTime));
        }
        AtomicBoolean over = new AtomicBoolean();
        AtomicInteger takeovers = new AtomicInteger();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> contenders = new ArrayList<>();
            for (Lease lease : leases) {
                contenders.add(threads.submit(contender(lease, over, takeovers)));
            }
            try {
                long begin = System.nanoTime();
                while (System.nanoTime() - begin < PATIENCE.toNanos() && takeovers.get() < 20) {
                    assertThat(twoHold(leases)).isFalse();
                }
            } finally {
                over.set(true);
            }
            for (Future<?> contender : contenders) {
                contender.get();
            }
        }
        assertThat(takeovers.get()).isGreaterThanOrEqualTo(20);
    }

    private static boolean twoHold(List<Lease> leases) {
        // Each asked twice, so that the first held it still when the second did.
        return leases.stream()
                .anyMatch(first -> leases.stream()
                        .anyMatch(second -> !first.equals(second) && first.held() && second.held() && first.held()));
    }

    /** Renews, and now and then falls silent. */
    private static Callable<?> contender(Lease lease, AtomicBoolean over, AtomicInteger takeovers) {
        return () -> {
            boolean held = false;
            while (!over.get()) {
                boolean now = lease.renew();
                if (now && !held) {
                    takeovers.incrementAndGet();
                }
                held = now;
                boolean silent = held && ThreadLocalRandom.current().nextInt(20) == 0;
                LockSupport.parkNanos(Duration.ofMillis(silent ? 300 : 5).toNanos());
            }
            return null;
        };
    }
}
