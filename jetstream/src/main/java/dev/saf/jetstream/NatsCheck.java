package dev.saf.jetstream;

import static dev.saf.jetstream.check.Finding.fail;
import static dev.saf.jetstream.check.Finding.note;
import static dev.saf.jetstream.check.Finding.ok;

import dev.saf.jetstream.check.Area;
import dev.saf.jetstream.check.Check;
import dev.saf.jetstream.check.Finding;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamManagement;
import io.nats.client.JetStreamOptions;
import io.nats.client.Message;
import io.nats.client.api.StreamConfiguration;
import io.nats.client.api.StreamInfo;
import io.nats.client.support.JsonParseException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Whether NATS is there, lets this service in and do its work, and has streams that keep the promises or room for them.
 * The server is asked what the user may do: to try would change something.
 */
public final class NatsCheck implements Check {

    private static final String INFO = "$JS.API.STREAM.INFO.";
    private static final String CREATE = "$JS.API.STREAM.CREATE.";
    private static final String NAMES = "$JS.API.STREAM.NAMES";
    private static final String REMEDY =
            "; allow it in the permissions of this user, deployments/nats/permissions" + " prints all that is needed";
    private static final Duration LONGEST = Duration.ofHours(1);
    private static final int NO_JETSTREAM = 10039;

    private final NatsConnection connection;
    private final StreamsSettings settings;
    private final List<String> streams;
    private final NeededPermissions needed;
    private volatile @Nullable GrantedPermissions granted;

    /**
     * Prepares to look.
     *
     * @param connection not started yet
     */
    NatsCheck(NatsConnection connection, StreamsSettings settings, NeededStreams streams, NeededPermissions needed) {
        this.connection = connection;
        this.settings = settings;
        this.streams = streams.names();
        this.needed = needed;
    }

    /** The connection, null if there is none or nothing may be asked there. For further checks. */
    public @Nullable Connection toAsk(String subject) {
        GrantedPermissions known = granted;
        return known == null || known.publish().include(subject) ? connection.current() : null;
    }

    @Override
    public void run(Consumer<Finding> found) throws InterruptedException {
        connection.start();
        connection.awaitFirstAttempt(LONGEST);
        Connection nats = connection.current();
        if (nats == null) {
            found.accept(fail(Area.CONNECTION, whyNot()));
            return;
        }
        String outdated = Streams.outdated(nats);
        found.accept(
                outdated == null
                        ? ok(
                                Area.CONNECTION,
                                "nats-server %s at %s"
                                        .formatted(nats.getServerInfo().getVersion(), nats.getConnectedUrl()))
                        : fail(Area.CONNECTION, outdated + "; run a newer one"));
        if (!askForPermissions(nats, found)) {
            return;
        }
        List<Finding> later = new ArrayList<>();
        List<String> missing = new ArrayList<>();
        for (String stream : streams) {
            if (!lookAt(stream, nats, later)) {
                missing.add(stream);
            }
        }
        comparePermissions(missing, found);
        later.forEach(found);
    }

    /** The client tells the reason at about the time at which it gives up. */
    private String whyNot() throws InterruptedException {
        for (int i = 0; i < 20 && connection.watch().authentications.sum() == 0; i++) {
            Thread.sleep(Duration.ofMillis(25));
        }
        String problem = String.valueOf(connection.problem());
        String lower = problem.toLowerCase(Locale.ROOT);
        if (lower.contains("authorization") || lower.contains("authentication")) {
            return problem
                    + "; log in as the server wants it, by saf.nats.user and password, token, nkey or credentials";
        }
        return lower.contains("ssl") || lower.contains("certificat") || lower.contains("tls")
                ? problem + "; correct saf.nats.ssl-bundle or the names in saf.nats.servers"
                : problem + "; see that nats-server runs and can be reached there, or correct saf.nats.servers";
    }

    /** False if no answer of any kind can come here. */
    private boolean askForPermissions(Connection nats, Consumer<Finding> found) throws InterruptedException {
        Message answer = nats.request(
                GrantedPermissions.SUBJECT, new byte[0], connection.settings().requestTimeout());
        if (answer != null && !answer.isStatusMessage()) {
            try {
                granted = GrantedPermissions.read(answer.getData());
            } catch (JsonParseException e) {
                found.accept(note(
                        Area.PERMISSIONS, "not looked at, for what nats-server says of them cannot be read: " + e));
            }
            return true;
        }
        String denial = connection.watch().lastDenial();
        if (denial == null) {
            found.accept(note(
                    Area.PERMISSIONS,
                    "not looked at, for nobody tells what they are at " + GrantedPermissions.SUBJECT
                            + "; that takes a system account"));
            return true;
        }
        if (denial.contains(GrantedPermissions.SUBJECT)) {
            found.accept(fail(
                    Area.PERMISSIONS,
                    "this user may not publish to \"%s\", so it cannot be told what else it may not"
                                    .formatted(GrantedPermissions.SUBJECT)
                            + REMEDY));
            return true;
        }
        String inbox = connection.settings().inboxPrefix();
        found.accept(fail(
                Area.PERMISSIONS,
                "this user may not subscribe to \"%s>\", where answers come to; allow it, or set saf.nats.inbox-prefix to"
                                .formatted(inbox.endsWith(".") ? inbox : inbox + ".")
                        + " what it may subscribe to"));
        return false;
    }

    private void comparePermissions(List<String> missing, Consumer<Finding> found) {
        GrantedPermissions known = granted;
        if (known == null) {
            return;
        }
        List<String> publish = new ArrayList<>(needed.publish());
        streams.forEach(stream -> publish.add(INFO + stream));
        missing.forEach(stream -> publish.add(CREATE + stream));
        String user = known.user().isEmpty() ? "this user" : "user " + known.user();
        List<Finding> refused = new ArrayList<>();
        publish.stream()
                .filter(subject -> !known.publish().include(subject))
                .forEach(subject ->
                        refused.add(fail(Area.PERMISSIONS, user + " may not publish to \"" + subject + "\"" + REMEDY)));
        needed.subscribe().stream()
                .filter(subject -> !known.subscribe().include(subject))
                .forEach(subject -> refused.add(
                        fail(Area.PERMISSIONS, user + " may not subscribe to \"" + subject + "\"" + REMEDY)));
        if (refused.isEmpty()) {
            found.accept(ok(Area.PERMISSIONS, user + " may do all that is needed"));
        }
        refused.forEach(found);
        List<String> more = needed.optional().stream()
                .filter(subject -> !known.publish().include(subject))
                .toList();
        if (!more.isEmpty()) {
            found.accept(note(
                    Area.PERMISSIONS, "%s, because %s may not publish to %s".formatted(needed.without(), user, more)));
        }
    }

    /** False if the stream is missing, or may be. */
    private boolean lookAt(String stream, Connection nats, List<Finding> found) {
        StreamConfiguration asked = settings.configuration(stream);
        if (toAsk(INFO + stream) == null) {
            found.add(note(Area.STREAMS, "stream %s may not be looked at".formatted(stream)));
            return false;
        }
        try {
            JetStreamManagement management = nats.jetStreamManagement(JetStreamOptions.builder()
                    .requestTimeout(connection.settings().requestTimeout())
                    .build());
            StreamInfo info = Streams.find(management, stream);
            if (info == null) {
                found.add(missing(asked, management));
                return false;
            }
            compare(asked, info.getConfiguration(), found);
            return true;
        } catch (JetStreamApiException | IOException | IllegalStateException e) {
            found.add(fail(Area.STREAMS, "stream %s could not be looked at: %s".formatted(stream, reason(stream, e))));
            return false;
        }
    }

    private Finding missing(StreamConfiguration asked, JetStreamManagement management)
            throws IOException, JetStreamApiException {
        String stream = asked.getName();
        if (toAsk(NAMES) != null) {
            for (String subject : asked.getSubjects()) {
                List<String> others = management.getStreamNames(subject);
                if (!others.isEmpty()) {
                    return fail(
                            Area.STREAMS,
                            "stream %s does not exist, and cannot be created while stream %s has %s; take the subject from"
                                            .formatted(stream, others.getFirst(), subject)
                                    + " that stream, or use another account for Saf");
                }
            }
        }
        return toAsk(CREATE + stream) == null
                ? fail(
                        Area.STREAMS,
                        "stream %s does not exist, and this service may not create it; create it, or allow that"
                                .formatted(stream))
                : ok(Area.STREAMS, "stream %s does not exist yet, the service will create it".formatted(stream));
    }

    private static void compare(StreamConfiguration asked, StreamConfiguration real, List<Finding> found) {
        switch (StreamContract.compare(asked, real)) {
            case StreamState.Unsafe(List<String> reasons) ->
                reasons.forEach(reason -> found.add(fail(
                        Area.STREAMS,
                        "%s; alter the stream (nats stream edit %s), or what is configured below saf.streams"
                                .formatted(reason, asked.getName()))));
            case StreamState.Sound(List<String> differences) -> {
                found.add(ok(Area.STREAMS, "stream %s keeps its promises".formatted(asked.getName())));
                differences.forEach(difference -> found.add(note(Area.STREAMS, difference)));
            }
            default -> throw new IllegalStateException("a comparison tells nothing else");
        }
    }

    private String reason(String stream, Exception e) {
        String denial = connection.watch().lastDenial();
        if (denial != null && denial.contains("." + stream)) {
            return denial + REMEDY;
        }
        boolean off = e instanceof JetStreamApiException refusal
                ? refusal.getApiErrorCode() == NO_JETSTREAM
                : String.valueOf(e.getMessage()).contains("503");
        return ConnectionWatch.describe(e)
                + (off ? "; switch JetStream on, in nats-server and for the account of this user" : "");
    }
}
