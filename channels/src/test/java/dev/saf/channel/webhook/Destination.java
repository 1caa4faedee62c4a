package dev.saf.channel.webhook;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ServerSocketFactory;

/** A web server of bare sockets, so that it can misbehave in every way. */
final class Destination implements AutoCloseable {

    /** One request as it came. */
    record Received(String line, Map<String, String> headers, String body) {}

    /** Answers one request whatever way it likes; returns whether the connection goes on. */
    @FunctionalInterface
    interface Behaviour {
        boolean answer(Socket socket, OutputStream out) throws IOException, InterruptedException;
    }

    final List<Received> received = new CopyOnWriteArrayList<>();
    final AtomicInteger connections = new AtomicInteger();

    private final ServerSocket server;
    private final Behaviour behaviour;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();

    private Destination(ServerSocketFactory sockets, Behaviour behaviour) throws IOException {
        this.server = sockets.createServerSocket(0, 256, InetAddress.getLoopbackAddress());
        this.behaviour = behaviour;
        Thread.ofVirtual().start(this::accept);
    }

    static Destination that(Behaviour behaviour) throws IOException {
        return new Destination(ServerSocketFactory.getDefault(), behaviour);
    }

    static Destination overTls(ServerSocketFactory sockets, Behaviour behaviour) throws IOException {
        return new Destination(sockets, behaviour);
    }

    static Destination answering(int status) throws IOException {
        return that((socket, out) -> {
            write(out, "HTTP/1.1 " + status + (status == 204 ? " x\r\n\r\n" : " x\r\ncontent-length: 2\r\n\r\nok"));
            return true;
        });
    }

    static void write(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.ISO_8859_1));
        out.flush();
    }

    String url() {
        return "http://127.0.0.1:" + port() + "/events";
    }

    int port() {
        return server.getLocalPort();
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (Socket socket : open) {
            socket.close();
        }
    }

    private void accept() {
        try {
            while (true) {
                Socket socket = server.accept();
                connections.incrementAndGet();
                open.add(socket);
                Thread.ofVirtual().start(() -> serve(socket));
            }
        } catch (IOException e) {
            // Closed.
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            InputStream in = new BufferedInputStream(socket.getInputStream());
            while (receive(in) && behaviour.answer(socket, socket.getOutputStream())) {
                // The next request.
            }
        } catch (IOException e) {
            // Gone.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            open.remove(socket);
        }
    }

    private boolean receive(InputStream in) throws IOException {
        String line = line(in);
        if (line.isEmpty()) {
            return false;
        }
        Map<String, String> headers = new TreeMap<>();
        for (String header = line(in); !header.isEmpty(); header = line(in)) {
            int colon = header.indexOf(':');
            headers.put(
                    header.substring(0, colon).toLowerCase(Locale.ROOT),
                    header.substring(colon + 1).strip());
        }
        byte[] body = in.readNBytes(Integer.parseInt(headers.getOrDefault("content-length", "0")));
        received.add(new Received(line, headers, new String(body, StandardCharsets.UTF_8)));
        return true;
    }

    private static String line(InputStream in) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b = in.read(); b >= 0 && b != '\n'; b = in.read()) {
            line.write(b);
        }
        return line.toString(StandardCharsets.ISO_8859_1).strip();
    }

    static void reset(Socket socket) throws SocketException {
        socket.setSoLinger(true, 0);
    }
}
