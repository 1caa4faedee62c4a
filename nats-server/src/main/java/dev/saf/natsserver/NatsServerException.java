package dev.saf.natsserver;

/** A nats-server could not be found, started or steered. The message is a sentence for the person in front of it. */
public final class NatsServerException extends RuntimeException {

    NatsServerException(String message) {
        super(message);
    }

    NatsServerException(String message, Throwable cause) {
        super(message, cause);
    }
}
