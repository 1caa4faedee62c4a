package dev.saf.consumer.upkeep;

import io.nats.client.JetStreamApiException;
import java.io.IOException;

/** Something to be done again and again, which does no harm when it is done twice. */
@FunctionalInterface
interface Task {

    /**
     * Does what is to be done by now.
     *
     * @throws IOException if NATS did not answer, or not as it should
     * @throws JetStreamApiException if NATS refused something
     */
    void run() throws IOException, JetStreamApiException;
}
