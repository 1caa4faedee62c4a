package dev.saf.natsserver;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.concurrent.ThreadLocalRandom;

/** Free TCP ports of the loopback interface, for servers that tests start. */
public final class Ports {

    /**
     * Below what operating systems hand out for outgoing connections: a client that keeps dialling the port of a killed
     * server could otherwise be given that very port, connect to itself, and keep the server from coming back.
     */
    private static final int LOWEST = 12_000;

    private static final int HIGHEST = 32_000;

    private Ports() {}

    /** A port that nobody listens on at this moment. */
    public static int free() {
        for (int attempt = 0; attempt < 1_000; attempt++) {
            int port = ThreadLocalRandom.current().nextInt(LOWEST, HIGHEST);
            try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return socket.getLocalPort();
            } catch (IOException e) {
                // Taken: try another one.
            }
        }
        throw new NatsServerException("There is no free port between " + LOWEST + " and " + HIGHEST + ".");
    }
}
