package dev.saf.natsserver;

import java.time.Duration;

/** What a server runs in, from one start to its end. */
sealed interface Instance permits NatsProcess, NatsContainer {

    long pid();

    boolean isRunning();

    /** Sends a signal by its short name, such as {@code KILL}; nothing happens if the server is gone already. */
    void signal(String name);

    /** Waits for the end, and says whether it came in time. */
    boolean awaitEnd(Duration patience);
}
