package dev.saf.benchmark;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A closed loop of HTTP/1.1 clients on one thread: each connection sends a request, waits for its answer, sends the
 * next. Built to take little of the processors it shares with what it measures; knows just enough HTTP for answers with
 * a Content-Length.
 */
final class Load {

    /**
     * What a trial showed.
     *
     * @param perSecond answers with the expected status
     * @param others answers with any other status, and connections lost
     */
    record Result(double perSecond, double p50Millis, double p99Millis, long others) {

        /** A rate and nothing else. */
        static Result ofRate(String perSecond) {
            return new Result(Double.parseDouble(perSecond), Double.NaN, Double.NaN, 0);
        }
    }

    private static final byte[] LENGTH = "content-length:".getBytes(StandardCharsets.US_ASCII);
    private static final int BUCKETS = 1_000_000;

    private final int port;
    private final String path;
    private final int connections;
    private final int payloadSize;
    private final long[] histogram = new long[BUCKETS];
    private long answered;
    private long others;
    private long ids = System.nanoTime();

    Load(int port, String path, int connections, int payloadSize) {
        this.port = port;
        this.path = path;
        this.connections = connections;
        this.payloadSize = payloadSize;
    }

    private final class Client {
        final SocketChannel channel;
        final byte[] request;
        final int idOffset;
        final ByteBuffer out;
        final ByteBuffer in = ByteBuffer.allocate(16 * 1024);
        long sent;

        Client(SocketChannel channel) {
            this.channel = channel;
            String id = "00000000000000000000";
            String head = "{\"subject\":\"bench.event\",\"service\":\"bench\",\"id\":\"";
            String rest = "\",\"payload\":{\"text\":\"";
            String body = head + id + rest
                    + "x".repeat(Math.max(0, payloadSize - head.length() - id.length() - rest.length() - 3)) + "\"}}";
            String text = "POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + port
                    + "\r\nContent-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n";
            request = (text + body).getBytes(StandardCharsets.US_ASCII);
            idOffset = text.length() + head.length();
            out = ByteBuffer.wrap(request);
        }

        void send() throws IOException {
            long id = ids++;
            for (int i = 19; i >= 0; i--) {
                request[idOffset + i] = (byte) ('0' + id % 10);
                id /= 10;
            }
            out.clear();
            sent = System.nanoTime();
            while (out.hasRemaining()) {
                if (channel.write(out) == 0) {
                    Thread.onSpinWait();
                }
            }
        }

        /** Whether the connection is still there. */
        boolean receive() throws IOException {
            if (channel.read(in) < 0) {
                return false;
            }
            byte[] bytes = in.array();
            int end = endOfHead(bytes, in.position());
            if (end < 0) {
                return true;
            }
            int length = end + contentLength(bytes, end);
            if (in.position() < length) {
                return true;
            }
            if (bytes[9] == '2' && bytes[10] == '0' && bytes[11] == '2') {
                answered++;
            } else {
                others++;
            }
            histogram[(int) Math.min(BUCKETS - 1, (System.nanoTime() - sent) / 1_000)]++;
            in.clear();
            send();
            return true;
        }
    }

    /** Runs for a while and tells what came back. */
    Result run(Duration duration) throws IOException {
        try (Selector selector = Selector.open()) {
            List<Client> clients = new ArrayList<>();
            for (int i = 0; i < connections; i++) {
                clients.add(connect(selector));
            }
            long start = System.nanoTime();
            long end = start + duration.toNanos();
            for (Client client : clients) {
                client.send();
            }
            while (System.nanoTime() - end < 0) {
                var _ = selector.select(
                        key -> {
                            try {
                                if (!((Client) key.attachment()).receive()) {
                                    lost(key);
                                }
                            } catch (IOException e) {
                                lost(key);
                            }
                        },
                        100);
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            for (Client client : clients) {
                client.channel.close();
            }
            return new Result(answered / seconds, percentile(0.50), percentile(0.99), others);
        }
    }

    private void lost(SelectionKey key) {
        others++;
        key.cancel();
    }

    private Client connect(Selector selector) throws IOException {
        SocketChannel channel = SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.configureBlocking(false);
        Client client = new Client(channel);
        channel.register(selector, SelectionKey.OP_READ, client);
        return client;
    }

    private double percentile(double share) {
        long all = 0;
        for (long count : histogram) {
            all += count;
        }
        long below = 0;
        for (int micros = 0; micros < BUCKETS; micros++) {
            below += histogram[micros];
            if (below >= all * share) {
                return micros / 1_000.0;
            }
        }
        return BUCKETS / 1_000.0;
    }

    private static int endOfHead(byte[] bytes, int length) {
        for (int i = 3; i < length; i++) {
            if (bytes[i] == '\n' && bytes[i - 2] == '\n') {
                return i + 1;
            }
        }
        return -1;
    }

    private static int contentLength(byte[] bytes, int end) {
        for (int i = 0; i < end - LENGTH.length; i++) {
            if ((bytes[i] | 0x20) == 'c' && matches(bytes, i)) {
                int length = 0;
                for (int j = i + LENGTH.length; bytes[j] != '\r'; j++) {
                    if (bytes[j] != ' ') {
                        length = length * 10 + bytes[j] - '0';
                    }
                }
                return length;
            }
        }
        return 0;
    }

    private static boolean matches(byte[] bytes, int start) {
        for (int i = 1; i < LENGTH.length; i++) {
            if ((bytes[start + i] | 0x20) != LENGTH[i]) {
                return false;
            }
        }
        return true;
    }
}
