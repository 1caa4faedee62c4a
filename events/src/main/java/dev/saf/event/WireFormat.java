package dev.saf.event;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * An event as a NATS message: the CloudEvents NATS protocol binding in binary mode on the subject
 * {@code events.<subject>}, with the message id JetStream tells repeats by, and a digest that tells a repeat from a
 * reused id.
 */
public final class WireFormat {

    /** Before an event's subject in its NATS subject. */
    public static final String SUBJECT_PREFIX = "events.";

    public static final String MESSAGE_ID = "Nats-Msg-Id";
    public static final String DIGEST = "Saf-Digest";

    private static final MessageDigest SHA_256 = sha256();

    private WireFormat() {}

    /** Hands every header of the message to a sink; the message's body is the payload's bytes. */
    public static void write(Event event, BiConsumer<String, String> sink) {
        sink.accept(MESSAGE_ID, messageId(event));
        sink.accept(DIGEST, digest(event));
        CloudEvents.write(event, sink);
    }

    /**
     * Reads an event back from a message. A digest or message id need not be there, since any CloudEvents client may
     * write.
     *
     * @param natsSubject the subject the message was published on
     * @throws InvalidEventException if the message is no event
     */
    public static Event read(
            String natsSubject, Iterable<String> names, Function<String, @Nullable String> first, byte[] body) {
        if (!natsSubject.startsWith(SUBJECT_PREFIX)) {
            throw new InvalidEventException("subject", "must begin with " + SUBJECT_PREFIX + " on the wire");
        }
        return CloudEvents.read(natsSubject.substring(SUBJECT_PREFIX.length()), names, first, body);
    }

    public static String natsSubject(Event event) {
        return SUBJECT_PREFIX + event.subject();
    }

    /**
     * The identity of an event for JetStream: {@code <source>/<id>}, both percent-encoded, so that {@code a/b} +
     * {@code c} is not {@code a} + {@code b/c}; just the id for the {@linkplain Event#DEFAULT_SOURCE default source}.
     */
    public static String messageId(Event event) {
        return messageId(event.source(), event.id());
    }

    /** The same of an event of which only this much is known. */
    public static String messageId(String source, String id) {
        return source.equals(Event.DEFAULT_SOURCE) ? component(id) : component(source) + "/" + component(id);
    }

    /**
     * SHA-256 over subject, content type and payload, in Base64url without padding. Subject and content type are each
     * ended by a line feed, which neither can contain; the time and the trace are left out, as they differ when an
     * event is sent again.
     */
    public static String digest(Event event) {
        MessageDigest sha256;
        try {
            sha256 = (MessageDigest) SHA_256.clone();
        } catch (CloneNotSupportedException e) {
            sha256 = sha256();
        }
        sha256.update(event.subject().getBytes(StandardCharsets.US_ASCII));
        sha256.update((byte) '\n');
        String contentType = event.payload().contentType();
        if (contentType != null) {
            sha256.update(contentType.getBytes(StandardCharsets.US_ASCII));
        }
        sha256.update((byte) '\n');
        return Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(sha256.digest(event.payload().bytes()));
    }

    private static String component(String part) {
        return CloudEvents.encode(part).replace("/", "%2F");
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
