package dev.saf.consumer.operations;

import dev.saf.consumer.operations.Jobs.Seen;
import java.io.IOException;

/** What one process does for one job, for as long as it is the only one to do so. Always called by the same thread. */
interface Work<J extends Job> {

    /**
     * Does some of what is to be done, within few seconds: on with it while the job is running, and to its end, and if
     * it is not running any more, away with all that is left of it. Must do no harm if somebody does the same at the
     * same time.
     *
     * @throws IOException if NATS is away; then it is done again
     */
    void step(Seen<J> seen) throws IOException;

    /** Does nothing from now on: somebody else may, or the process ends. */
    void leave();
}
