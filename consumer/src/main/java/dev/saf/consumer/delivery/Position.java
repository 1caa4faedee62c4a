package dev.saf.consumer.delivery;

import java.time.Instant;

/**
 * Where a message stands, as the server says in the subject for acknowledgements. The client can tell the same, but at
 * the price of a date with a time zone for every message.
 *
 * @param sequence the message's number in the stream, from 1
 * @param deliveries how often it has been handed out for this channel, from 1
 * @param storedNanos when it was stored, in nanoseconds since 1970 by the server's clock
 */
record Position(long sequence, long deliveries, long storedNanos) {

    /** Of {@code $JS.ACK.<stream>.<consumer>.…}; servers in a domain put domain and account before the stream. */
    private static final int TOKENS_BEFORE = 4;

    private static final int TOKENS_BEFORE_WITH_DOMAIN = 6;
    private static final int TOKENS_WITHOUT_DOMAIN = 9;

    /**
     * Reads the subject.
     *
     * @throws IllegalArgumentException if it is none for acknowledgements
     */
    static Position of(String ackSubject) {
        int at = skip(ackSubject, begin(ackSubject));
        int second = ackSubject.indexOf('.', at) + 1;
        int third = ackSubject.indexOf('.', second) + 1;
        int fourth = ackSubject.indexOf('.', third) + 1;
        int end = ackSubject.indexOf('.', fourth);
        return new Position(
                number(ackSubject, second, third - 1),
                number(ackSubject, at, second - 1),
                number(ackSubject, fourth, end < 0 ? ackSubject.length() : end));
    }

    /** How many tokens there are before those that count. */
    private static int begin(String ackSubject) {
        int tokens = 1;
        for (int i = 0; i < ackSubject.length(); i++) {
            if (ackSubject.charAt(i) == '.') {
                tokens++;
            }
        }
        if (!ackSubject.startsWith("$JS.ACK.") || tokens < TOKENS_WITHOUT_DOMAIN) {
            throw new IllegalArgumentException("no subject for acknowledgements: " + ackSubject);
        }
        return tokens == TOKENS_WITHOUT_DOMAIN ? TOKENS_BEFORE : TOKENS_BEFORE_WITH_DOMAIN;
    }

    /**
     * How many messages its durable had handed out with this one, repeats included, as the subject says.
     *
     * @throws IllegalArgumentException if it is none for acknowledgements
     */
    static long consumerSequence(String ackSubject) {
        int begin = skip(ackSubject, begin(ackSubject) + 2);
        return number(ackSubject, begin, ackSubject.indexOf('.', begin));
    }

    /** When it was stored, by the server's clock. */
    Instant stored() {
        return Instant.ofEpochSecond(0, storedNanos);
    }

    /** Since 1970, as the server counts. */
    static long nanos(Instant instant) {
        return instant.getEpochSecond() * 1_000_000_000L + instant.getNano();
    }

    private static int skip(String subject, int tokens) {
        int at = 0;
        for (int i = 0; i < tokens; i++) {
            at = subject.indexOf('.', at) + 1;
        }
        return at;
    }

    private static long number(String subject, int begin, int end) {
        return Long.parseLong(subject, begin, end, 10);
    }
}
