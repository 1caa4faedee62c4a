package dev.saf.consumer.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.consumer.Opened;
import dev.saf.jetstream.Streams;
import dev.saf.natsserver.NatsServer;
import io.nats.client.Message;
import io.nats.client.impl.Headers;
import io.nats.client.impl.NatsMessage;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

@Timeout(180)
class LateScheduleIT {

    private static final byte[] BODY = "1".getBytes(StandardCharsets.US_ASCII);

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());
    private final Connected connected = opened.add(connect());

    private Connected connect() {
        try {
            return Connected.to(List.of(server.url()));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The server stores what was due a little after it has looked, and then removes what is on its subject. */
    @Test
    void aScheduleThatFiresLateLeavesTheNextParkingAlone() throws Exception {
        Parking parking = new Parking(connected.nats(), 1000);
        Instant soon = Instant.now().plusSeconds(3600);
        Message event = new NatsMessage("events.a", null, new Headers(), BODY);
        Passage once = Passage.begin("audit", event, 1, 1).after(new Attempt(1, Instant.now(), Duration.ZERO, "no"));
        String first = parking.park(once, null, BODY, soon);

        // Somebody sends it at once, it is delivered, fails and is parked again; only then the schedule fires.
        fire(first);
        Passage twice = once.parkedOnceMore().after(new Attempt(2, Instant.now(), Duration.ZERO, "no"));
        String second = parking.park(twice, null, BODY, soon);
        fire(first);

        assertThat(connected.connection().jetStreamManagement().getLastMessage(Streams.LATER, Parking.at(second)))
                .isNotNull();
        assertThat(parking.isFirst(new NatsMessage(first, null, new Headers(), BODY), 2))
                .isTrue();
    }

    private void fire(String due) throws Exception {
        Headers headers = new Headers();
        headers.put("Nats-Scheduler", Parking.at(due));
        headers.put("Nats-Schedule-Next", "purge");
        var _ = connected.connection().jetStream().publish(due, headers, BODY);
    }
}
