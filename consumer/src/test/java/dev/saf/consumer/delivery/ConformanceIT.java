package dev.saf.consumer.delivery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.consumer.Opened;
import dev.saf.natsserver.NatsServer;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamManagement;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.PurgeOptions;
import io.nats.client.api.AckPolicy;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.MessageInfo;
import io.nats.client.api.PublishAck;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import io.nats.client.impl.Headers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The simulated server answers as the real one: both are asked the same at random, side by side. Time passes only
 * between rounds; whatever takes time takes either a second or an hour.
 */
@Timeout(180)
class ConformanceIT {

    private static final int WORLDS = 60;
    private static final int ROUNDS = 6;
    private static final int OPERATIONS = 15;
    private static final long ACK_WAIT = 1500;
    private static final long SOON = 1000;
    private static final long FAR = 3_600_000;
    private static final long BETWEEN_ROUNDS = 2500;

    /** A round that took longer says nothing: something may have happened meanwhile that was to happen after it. */
    private static final long LONGEST_ROUND = 700;

    private static final byte[] BODY = "1".getBytes(StandardCharsets.US_ASCII);

    @RegisterExtension
    private final Opened opened = new Opened();

    private final NatsServer server = opened.add(NatsServer.start());

    @Test
    @SuppressWarnings("try") // A jnats connection may be interrupted while it closes.
    void theSimulatedServerAnswersAsTheRealOne() throws Exception {
        try (server;
                Connection connection = Nats.connect(new Options.Builder()
                        .server(server.url())
                        .maxReconnects(-1)
                        .reconnectWait(Duration.ofMillis(50))
                        .build())) {
            List<World> worlds = new ArrayList<>();
            for (int i = 0; i < WORLDS; i++) {
                worlds.add(new World(i, connection));
            }
            for (int round = 0; round < ROUNDS; round++) {
                for (World world : worlds) {
                    world.round();
                }
                await().pollDelay(Duration.ofMillis(BETWEEN_ROUNDS)).until(() -> true);
                worlds.forEach(World::timePasses);
                if (round == ROUNDS / 2) {
                    server.kill();
                    server.restart();
                    await().atMost(Duration.ofSeconds(20)).ignoreExceptions().until(() -> {
                        connection.jetStreamManagement().getStreamInfo("l0");
                        return true;
                    });
                    worlds.forEach(World::restarted);
                }
            }
            assertThat(worlds).filteredOn(world -> !world.late).hasSizeGreaterThan(WORLDS / 2);
            assertThat(worlds.stream().mapToLong(world -> world.compared).sum()).isGreaterThan(1000);
        }
    }

    /** Two streams and two durables of their own, once simulated and once real. */
    private static final class World {

        private final String later;
        private final String letters;
        private final Connection connection;
        private final JetStreamManagement management;
        private final String inbox;
        private final io.nats.client.Subscription pulled;
        private final SplittableRandom random;
        private final Timeline timeline = new Timeline(Instant.now().toEpochMilli());
        private final SimulatedBroker simulated =
                new SimulatedBroker(timeline, () -> 0, new SimulatedBroker.Observer() {});
        private final List<String> simulatedReplies = new ArrayList<>();
        private final List<String> realReplies = new ArrayList<>();
        private final List<String> story = new ArrayList<>();
        private boolean full;
        private boolean late;
        private long compared;

        World(int number, Connection connection) throws IOException, JetStreamApiException {
            this.later = "l" + number;
            this.letters = "d" + number;
            this.connection = connection;
            this.management = connection.jetStreamManagement();
            this.inbox = connection.createInbox();
            this.pulled = connection.subscribe(inbox);
            this.random = new SplittableRandom(number);
            management.addStream(stream(later)
                    .discardPolicy(DiscardPolicy.Old)
                    .allowMessageSchedules()
                    .allowRollup(true)
                    .build());
            management.addStream(
                    stream(letters).discardPolicy(DiscardPolicy.New).build());
            simulated.addStream(later, 600_000);
            simulated.addStream(letters, 600_000);
            for (String channel : List.of("a", "b")) {
                management.createConsumer(
                        later,
                        ConsumerConfiguration.builder()
                                .durable(durable(channel))
                                .ackPolicy(AckPolicy.Explicit)
                                .ackWait(ACK_WAIT)
                                .filterSubject(filter(channel))
                                .build());
                simulated.addDurable(later, durable(channel), filter(channel), ACK_WAIT);
            }
        }

        private static StreamConfiguration.Builder stream(String name) {
            return StreamConfiguration.builder()
                    .name(name)
                    .subjects(name + ".>")
                    .storageType(StorageType.File)
                    .duplicateWindow(Duration.ofMinutes(10));
        }

        private String durable(String channel) {
            return later + channel;
        }

        private String filter(String channel) {
            return later + ".due." + channel + ".>";
        }

        void timePasses() {
            timeline.pass(BETWEEN_ROUNDS);
        }

        void restarted() {
            simulated.stop();
            simulated.start();
        }

        void round() throws Exception {
            if (late) {
                return;
            }
            long begun = System.nanoTime();
            Instant due = Instant.now().plusMillis(SOON);
            try {
                drain("a");
                drain("b");
                for (int i = 0; i < OPERATIONS; i++) {
                    operate(due);
                }
            } catch (AssertionError e) {
                late = Duration.ofNanos(System.nanoTime() - begun).toMillis() > LONGEST_ROUND;
                if (!late) {
                    throw e;
                }
            }
            late |= Duration.ofNanos(System.nanoTime() - begun).toMillis() > LONGEST_ROUND;
        }

        private void operate(Instant due) throws Exception {
            String channel = random.nextBoolean() ? "a" : "b";
            String name = channel + "." + random.nextInt(4);
            String at = later + ".at." + name;
            String target = later + ".due." + name;
            switch (random.nextInt(13)) {
                case 0, 1, 2 -> schedule(at, target, random.nextInt(3), random.nextInt(3) > 0, due);
                case 3 -> publish(later, target, expecting(new Headers()));
                case 4 -> publish(later, target, expecting(taking(at)));
                case 5 -> publish(later, target, taking(at));
                case 6 ->
                    publish(letters, letters + "." + name, new Headers().put("Nats-Msg-Id", "id" + random.nextInt(6)));
                case 7 -> delete(1 + random.nextInt(6));
                case 8 -> fill();
                case 9 -> next(channel);
                case 10 -> answer("+ACK");
                case 11 -> answer(random.nextBoolean() ? "-NAK" : "+WPI");
                case 12 -> {
                    if (random.nextBoolean()) {
                        purge(channel);
                    } else {
                        first(target);
                    }
                }
                default -> throw new AssertionError();
            }
        }

        private Headers taking(String at) {
            return new Headers()
                    .put("Nats-Scheduler", at)
                    .put("Nats-Schedule-Next", "purge")
                    .put("X-Own", "kept");
        }

        private static Headers expecting(Headers headers) {
            return headers.put("Nats-Expected-Last-Subject-Sequence", "0");
        }

        private void schedule(String at, String target, int id, boolean soon, Instant due) throws Exception {
            Headers headers = new Headers()
                    .put("Nats-Schedule-Target", target)
                    .put("Nats-Msg-Id", target + id)
                    .put("X-Own", "kept");
            Instant real = soon ? due : due.plusMillis(FAR);
            Instant virtual = Instant.ofEpochMilli(timeline.now() + (soon ? SOON : FAR));
            compare(
                    "schedule " + at + " id " + id,
                    told(simulated.publish(later, at, scheduled(headers, virtual), BODY, null)),
                    publishReally(at, scheduled(headers, real)));
        }

        private static Headers scheduled(Headers headers, Instant due) {
            return new Headers(headers).put("Nats-Schedule", "@at " + due.truncatedTo(ChronoUnit.MILLIS));
        }

        private void publish(String stream, String subject, Headers headers) throws Exception {
            compare(
                    "publish " + subject + " " + headers.entrySet(),
                    told(simulated.publish(stream, subject, headers, BODY, null)),
                    publishReally(subject, headers));
        }

        private static String told(SimulatedBroker.Answer answer) {
            return switch (answer) {
                case SimulatedBroker.Answer.Stored(long sequence, boolean duplicate) -> sequence + " " + duplicate;
                case SimulatedBroker.Answer.Refused(int code) -> "refused " + code;
            };
        }

        private String publishReally(String subject, Headers headers) throws Exception {
            try {
                PublishAck ack = connection.jetStream().publish(subject, headers, BODY);
                return ack.getSeqno() + " " + ack.isDuplicate();
            } catch (JetStreamApiException e) {
                return "refused " + e.getApiErrorCode();
            }
        }

        private void delete(long sequence) throws Exception {
            if (full) {
                // That would make room; the simulated stream does not count.
                return;
            }
            String real;
            try {
                real = String.valueOf(management.deleteMessage(letters, sequence, false));
            } catch (JetStreamApiException e) {
                real = "false";
            }
            compare("delete " + sequence, String.valueOf(simulated.delete(letters, sequence)), real);
        }

        /** Only what holds something can be full. */
        private void fill() throws Exception {
            int held = simulated.all(letters, letters + ".>").size();
            if (held > 0 || full) {
                full = !full;
                simulated.full(letters, full);
                management.updateStream(stream(letters)
                        .discardPolicy(DiscardPolicy.New)
                        .maxMessages(full ? held : -1)
                        .build());
                story.add("full " + full);
            }
        }

        private void first(String subject) throws Exception {
            SimulatedBroker.Stored expected = simulated.first(later, subject);
            String real;
            try {
                MessageInfo found = management.getFirstMessage(later, subject);
                real = String.valueOf(found.getSeq());
            } catch (JetStreamApiException e) {
                real = "none";
            }
            compare("first on " + subject, expected == null ? "none" : String.valueOf(expected.sequence()), real);
        }

        /** Up to where everything is settled, as the service does. */
        private void purge(String channel) throws Exception {
            long settled = simulated.floor(durable(channel));
            long real = management
                    .getConsumerInfo(later, durable(channel))
                    .getAckFloor()
                    .getStreamSequence();
            assertThat(real).as("settled for %s after %s", channel, story).isLessThanOrEqualTo(settled);
            if (settled > 0) {
                compare(
                        "purge " + channel + " through " + settled,
                        String.valueOf(simulated.purge(later, filter(channel), settled + 1)),
                        String.valueOf(management
                                .purgeStream(
                                        later,
                                        PurgeOptions.builder()
                                                .subject(filter(channel))
                                                .sequence(settled + 1)
                                                .build())
                                .getPurged()));
            }
        }

        private void next(String channel) throws Exception {
            Message expected = simulated.next(durable(channel));
            Message real = nextReally(channel);
            if (expected != null && real == null) {
                // What has just been stored reaches the durable a moment later.
                real = nextReally(channel);
            }
            compare("next " + channel, told(expected), told(real));
            keep(expected, real);
        }

        /** What time has brought, in whichever order: what expires together is handed out as the server likes. */
        private void drain(String channel) throws Exception {
            TreeMap<Long, Message> expected = new TreeMap<>();
            for (Message next = simulated.next(durable(channel));
                    next != null;
                    next = simulated.next(durable(channel))) {
                expected.put(Position.of(next.getReplyTo()).sequence(), next);
            }
            TreeMap<Long, Message> real = new TreeMap<>();
            for (Message next = nextReally(channel); next != null; next = nextReally(channel)) {
                real.put(Position.of(next.getReplyTo()).sequence(), next);
            }
            compare(
                    "all of " + channel,
                    expected.values().stream().map(World::told).toList().toString(),
                    real.values().stream().map(World::told).toList().toString());
            expected.forEach((sequence, message) -> keep(message, real.get(sequence)));
        }

        private void keep(@Nullable Message expected, @Nullable Message real) {
            if (expected != null && real != null) {
                simulatedReplies.add(expected.getReplyTo());
                realReplies.add(real.getReplyTo());
            }
        }

        private @Nullable Message nextReally(String channel) throws InterruptedException {
            // Not a request: what is handed out has the subject of its stream, and not that of the inbox.
            connection.publish(
                    "$JS.API.CONSUMER.MSG.NEXT." + later + "." + durable(channel),
                    inbox,
                    "{\"batch\":1,\"no_wait\":true}".getBytes(StandardCharsets.US_ASCII));
            Message message = pulled.nextMessage(Duration.ofSeconds(2));
            if (message == null) {
                throw new AssertionError("no answer to a pull");
            }
            return message.isStatusMessage() ? null : message;
        }

        private static String told(@Nullable Message message) {
            if (message == null) {
                return "nothing";
            }
            Position position = Position.of(message.getReplyTo());
            TreeMap<String, List<String>> headers = new TreeMap<>();
            if (message.hasHeaders()) {
                message.getHeaders().forEach(headers::put);
            }
            return "%s %d for the %d. time %s"
                    .formatted(message.getSubject(), position.sequence(), position.deliveries(), headers);
        }

        private void answer(String what) throws Exception {
            if (simulatedReplies.isEmpty()) {
                return;
            }
            int which = random.nextInt(simulatedReplies.size());
            String reply = simulatedReplies.get(which);
            String body = what;
            switch (what) {
                case "+ACK" -> {
                    boolean _ = simulated.ack(reply);
                }
                case "+WPI" -> simulated.progress(reply);
                default -> {
                    long delay = random.nextInt(3) == 0 ? 0 : random.nextBoolean() ? SOON : FAR;
                    simulated.nak(reply, delay);
                    body = delay == 0
                            ? what
                            : what + " {\"delay\":" + Duration.ofMillis(delay).toNanos() + "}";
                }
            }
            story.add(body + " " + reply);
            Message confirmed = connection.request(
                    realReplies.get(which), body.getBytes(StandardCharsets.US_ASCII), Duration.ofSeconds(2));
            assertThat(confirmed).as("confirmation of %s", story).isNotNull();
        }

        private void compare(String what, String expected, String real) {
            story.add(what + ": " + expected);
            compared++;
            assertThat(real).as("%s: %s", later, String.join("\n", story)).isEqualTo(expected);
        }
    }
}
