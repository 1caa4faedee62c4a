package dev.saf.producer;

/** What became of an event that was to be stored. */
sealed interface PublishResult {

    /**
     * A receipt: the stream has the event, acknowledged by JetStream.
     *
     * @param sequence where on the stream, from 1
     * @param duplicate whether the stream had it before, with the same content; then the sequence is that of the first
     */
    record Stored(String stream, long sequence, boolean duplicate) implements PublishResult {}

    /** The stream has an event of the same identity but other content; this one was not stored. */
    record IdReused() implements PublishResult {}

    /** There is no acknowledgement. */
    record Failed(Outcome outcome, Reason reason) implements PublishResult {}

    /** What is known of an event that was not acknowledged. */
    enum Outcome {
        /** The event is not on the stream and will not be. */
        NOT_STORED,
        /** Nobody can tell; sending it again under the same id is safe. */
        UNKNOWN
    }

    /** Why there is no acknowledgement. */
    enum Reason {
        /** Too many events are waiting for their acknowledgement. */
        OVERLOADED("too many events are being stored at this moment"),
        /** There is no connection to NATS. */
        DISCONNECTED("NATS is not reachable"),
        /** NATS is there, but nobody answered for the stream. */
        NO_STREAM("nobody answers for the stream: it is missing, without a leader, or JetStream is starting"),
        /** The acknowledgement did not come in time. */
        NO_ANSWER("NATS did not acknowledge the event in time"),
        /** The stream has reached its limit and discards what is new. */
        STREAM_FULL("the stream is full"),
        /** The stream is not configured as it has to be. */
        UNSAFE_STREAM("the stream is not configured safely"),
        /** The event is larger than the stream or the server takes. */
        TOO_LARGE("the event is larger than the stream takes"),
        /** JetStream refused the event for another reason. */
        REFUSED("JetStream refused the event"),
        /** There is an earlier event of this id, but its content could not be compared. */
        NOT_COMPARED("an event with this id is stored, but its content could not be compared with this one");

        private final String sentence;

        Reason(String sentence) {
            this.sentence = sentence;
        }

        String sentence() {
            return sentence;
        }

        /** As a metric's tag. */
        String tag() {
            return name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
        }
    }
}
