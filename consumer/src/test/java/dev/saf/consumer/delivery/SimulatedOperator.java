package dev.saf.consumer.delivery;

import dev.saf.consumer.ledger.Parking;
import dev.saf.consumer.ledger.Passage;
import dev.saf.jetstream.Streams;
import io.nats.client.impl.Headers;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Somebody who sends parked events before their time, cancels them, or sends dead letters again. */
final class SimulatedOperator {

    /**
     * How operators and the upkeep do it. Anything but {@link #RIGHT} is a bug.
     *
     * @param lagMillis how long settled due messages stay
     * @param finishesRedrives whether the dead letter goes before the settled message by which it was sent again
     * @param expectsNothing whether the due subject has to be empty
     * @param deletesFirst whether a dead letter is deleted before it is sent
     * @param cancelsByDeleting whether the schedule is just removed
     */
    record Manner(
            boolean expectsNothing,
            boolean deletesFirst,
            boolean cancelsByDeleting,
            long lagMillis,
            boolean finishesRedrives) {

        static final Manner RIGHT = new Manner(true, false, false, 60_000, true);
    }

    private static final int TRIES = 5;

    private final String name;
    private final Network network;
    private final Manner manner;

    SimulatedOperator(String name, Network network, Manner manner) {
        this.name = name;
        this.network = network;
        this.manner = manner;
    }

    void sendNow(SimulatedBroker.Stored parked) {
        find(parked, false, TRIES);
    }

    void cancel(SimulatedBroker.Stored parked) {
        find(parked, true, TRIES);
    }

    /** What is not parked any more cannot be sent: it may have been settled so long ago that nobody remembers. */
    private void find(SimulatedBroker.Stored parked, boolean cancel, int tries) {
        if (tries > 0) {
            network.request(
                    () -> parked.equals(network.broker.first(Streams.LATER, parked.subject())),
                    found -> {
                        if (found) {
                            act(parked, cancel, tries);
                        }
                    },
                    () -> find(parked, cancel, tries - 1));
        }
    }

    private void act(SimulatedBroker.Stored parked, boolean cancel, int tries) {
        String due = String.valueOf(parked.headers().getFirst("Nats-Schedule-Target"));
        network.say(name, cancel ? "cancels" : "sends", due);
        if (cancel && manner.cancelsByDeleting()) {
            network.request(
                    () -> network.broker.delete(Streams.LATER, parked.sequence()),
                    gone -> {
                        if (gone) {
                            network.witness.won(due, name);
                            network.witness.cancelled(parked, due);
                        }
                    },
                    () -> {});
            return;
        }
        Headers headers = clean(parked.headers());
        headers.put("Nats-Scheduler", parked.subject());
        headers.put("Nats-Schedule-Next", "purge");
        if (cancel) {
            headers.put(Parking.CANCELLED, "now");
        }
        byte[] body = cancel ? new byte[0] : parked.message().getData();
        network.request(
                () -> publish(due, headers, body, parked.tag()),
                answer -> {
                    network.say(name, "hears", answer);
                    if (answer instanceof SimulatedBroker.Answer.Stored) {
                        network.witness.won(due, name);
                    }
                },
                () -> find(parked, cancel, tries - 1));
    }

    /**
     * Removes the settled due messages of a channel. Whoever redrives may have died before the dead letter was deleted;
     * without the message nobody would know that it was sent.
     */
    void purge(String channel, long settled) {
        String filter = Parking.DUE + channel + ".>";
        if (manner.finishesRedrives()) {
            for (SimulatedBroker.Stored due : network.broker.all(Streams.LATER, filter)) {
                String last = due.subject().substring(due.subject().lastIndexOf('.') + 1);
                if (due.sequence() <= settled && last.startsWith("r")) {
                    network.broker.delete(Streams.DEAD_LETTERS, Long.parseLong(last.substring(1, last.indexOf('-'))));
                }
            }
        }
        network.broker.purge(Streams.LATER, filter, settled + 1);
    }

    void redrive(SimulatedBroker.Stored letter) {
        redrive(letter, TRIES);
    }

    private void redrive(SimulatedBroker.Stored letter, int tries) {
        if (tries == 0 || network.fails(network.faults().crash())) {
            // Somebody else may do it; for whoever began it has died.
            return;
        }
        Passage passage = Passage.read(letter.headers()).redriven();
        String due = "%s%s.%d.%s.r%d-%s"
                .formatted(
                        Parking.DUE,
                        passage.channel(),
                        passage.sequence(),
                        passage.life(),
                        letter.sequence(),
                        Long.toString(letter.storedNanos(), 36));
        Headers headers = clean(letter.headers());
        headers.put(Passage.REDRIVES, Long.toString(passage.redrives()));
        headers.remove(Passage.ATTEMPTS, Passage.PARKINGS, Passage.FIRST_FAILURE, Passage.REPLAY);
        network.say(name, "redrives", due);
        Runnable send = () -> network.request(
                () -> publish(due, headers, letter.message().getData(), null),
                answer -> {
                    network.say(name, "hears", answer);
                    if (answer instanceof SimulatedBroker.Answer.Stored) {
                        network.witness.won(due, name);
                    }
                    // Also if somebody else has sent it: he may have died before he could.
                    boolean sent = answer instanceof SimulatedBroker.Answer.Stored
                            || answer.equals(new SimulatedBroker.Answer.Refused(SimulatedBroker.WRONG_LAST_SEQUENCE));
                    if (sent
                            && !manner.deletesFirst()
                            && !network.fails(network.faults().crash())) {
                        delete(letter, TRIES);
                    }
                },
                () -> redrive(letter, tries - 1));
        if (manner.deletesFirst()) {
            network.request(
                    () -> network.broker.delete(Streams.DEAD_LETTERS, letter.sequence()),
                    gone -> {
                        if (gone && !network.fails(network.faults().crash())) {
                            send.run();
                        }
                    },
                    () -> redrive(letter, tries - 1));
        } else {
            send.run();
        }
    }

    private void delete(SimulatedBroker.Stored letter, int tries) {
        if (tries > 0) {
            network.request(
                    () -> network.broker.delete(Streams.DEAD_LETTERS, letter.sequence()),
                    _ -> {},
                    () -> delete(letter, tries - 1));
        }
    }

    private SimulatedBroker.Answer publish(String due, Headers headers, byte[] body, @Nullable Object tag) {
        Headers all = new Headers(headers);
        if (manner.expectsNothing()) {
            all.put("Nats-Expected-Last-Subject-Sequence", "0");
        }
        return network.broker.publish(Streams.LATER, due, all, body, tag);
    }

    private static Headers clean(Headers from) {
        Headers headers = new Headers(from);
        headers.remove(headers.keySet().stream()
                .filter(Objects::nonNull)
                .filter(name -> name.toLowerCase(Locale.ROOT).startsWith("nats-"))
                .toList());
        return headers;
    }
}
