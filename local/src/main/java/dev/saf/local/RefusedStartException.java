package dev.saf.local;

/** Something on this machine stands in the way of a start. The message says what, and what to do. */
final class RefusedStartException extends RuntimeException {

    RefusedStartException(String message) {
        super(message);
    }

    RefusedStartException(String message, Throwable cause) {
        super(message, cause);
    }
}
