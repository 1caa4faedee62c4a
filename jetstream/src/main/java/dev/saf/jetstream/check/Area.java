package dev.saf.jetstream.check;

/** What a check is about. The first one in which something is wrong decides the exit code. */
public enum Area {
    /** What is set; Spring Boot says what is wrong, as at a start. */
    CONFIGURATION(1),
    /** The way to NATS, login and version of the server included. */
    CONNECTION(2),
    /** What the service's user may do in NATS. */
    PERMISSIONS(3),
    /** The streams and durables, as far as there are any yet. */
    STREAMS(4),
    /** The destinations of the channels. */
    CHANNELS(5),
    /** Whether all of it was looked at in time. */
    TIME(6);

    private final int exitCode;

    Area(int exitCode) {
        this.exitCode = exitCode;
    }

    /** With which the process ends. */
    public int exitCode() {
        return exitCode;
    }
}
