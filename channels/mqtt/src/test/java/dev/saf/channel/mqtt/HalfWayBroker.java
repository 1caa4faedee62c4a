package dev.saf.channel.mqtt;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** Takes one message with quality of service 2 as far as PUBREL, and hangs up. */
final class HalfWayBroker implements AutoCloseable {

    private final ServerSocket server;

    HalfWayBroker() throws IOException {
        server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::serve);
    }

    int port() {
        return server.getLocalPort();
    }

    private void serve() {
        try (Socket client = server.accept()) {
            DataInputStream in = new DataInputStream(client.getInputStream());
            OutputStream out = client.getOutputStream();
            // CONNECT
            var _ = packet(in);
            out.write(new byte[] {0x20, 3, 0, 0, 0});
            byte[] publish = packet(in);
            int id = 2 + publish[0] * 256 + publish[1];
            out.write(new byte[] {0x50, 2, publish[id], publish[id + 1]});
            // PUBREL
            var _ = packet(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What follows the header of the next packet. */
    private static byte[] packet(DataInputStream in) throws IOException {
        var _ = in.readByte();
        int length = 0;
        int shift = 0;
        int next;
        do {
            next = in.readUnsignedByte();
            length |= (next & 0x7f) << shift;
            shift += 7;
        } while (next >= 0x80);
        byte[] content = new byte[length];
        in.readFully(content);
        return content;
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
