package dev.saf.jetstream;

import io.nats.client.impl.SocketDataPortWithWriteTimeout;
import java.io.IOException;

/**
 * A connection to NATS that gathers: after each write it lets other threads run first, if any want to, so that what
 * they publish goes out in the next write together. On a busy machine this saves both ends a good part of their system
 * calls; on an idle one it costs nothing, as nobody waits.
 *
 * <p>Public because the client makes an instance by name.
 */
public final class GatheringDataPort extends SocketDataPortWithWriteTimeout {

    @Override
    @SuppressWarnings("ThreadPriorityCheck") // nothing but speed depends on what the scheduler makes of it
    public void write(byte[] src, int toWrite) throws IOException {
        super.write(src, toWrite);
        Thread.yield();
    }
}
