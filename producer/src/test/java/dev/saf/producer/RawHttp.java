package dev.saf.producer;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** HTTP/1.1 by hand, for what no HTTP client would send. */
final class RawHttp implements AutoCloseable {

    /**
     * An answer.
     *
     * @param status 0 if the connection was closed without one, -1 if nothing came in time
     * @param headers names in any case
     */
    record Answer(int status, Map<String, String> headers, String body) {

        boolean closes() {
            return "close".equalsIgnoreCase(headers.get("Connection"));
        }
    }

    private final Socket socket;
    private final InputStream in;

    RawHttp(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(30_000);
        in = new java.io.BufferedInputStream(socket.getInputStream());
    }

    static Answer once(int port, byte[] request) throws IOException {
        try (RawHttp http = new RawHttp(port)) {
            http.send(request);
            return http.answer();
        }
    }

    static byte[] post(String body, String... headers) {
        return post(body.getBytes(StandardCharsets.UTF_8), headers);
    }

    /**
     * A request to the endpoint; {@code Content-Type} and {@code Content-Length} are added where they are not given.
     */
    static byte[] post(byte[] body, String... headers) {
        StringBuilder head = new StringBuilder("POST /api/event HTTP/1.1\r\nHost: localhost\r\n");
        String given = String.join("\r\n", headers);
        if (!given.toLowerCase(java.util.Locale.ROOT).contains("content-type:")) {
            head.append("Content-Type: application/json\r\n");
        }
        if (!given.contains("Content-Length:") && !given.contains("Transfer-Encoding:")) {
            head.append("Content-Length: ").append(body.length).append("\r\n");
        }
        for (String header : headers) {
            if (!header.equals("content-type:")) {
                head.append(header).append("\r\n");
            }
        }
        return concat(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1), body);
    }

    static byte[] concat(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    void send(byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
        socket.getOutputStream().flush();
    }

    void timeout(Duration timeout) throws IOException {
        socket.setSoTimeout((int) timeout.toMillis());
    }

    Answer answer() throws IOException {
        Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        try {
            String status = line();
            if (status == null) {
                return new Answer(0, headers, "");
            }
            for (String line = line(); line != null && !line.isEmpty(); line = line()) {
                int colon = line.indexOf(':');
                headers.put(line.substring(0, colon), line.substring(colon + 1).strip());
            }
            int code = Integer.parseInt(status, 9, 12, 10);
            if (code == 100) {
                return answer();
            }
            byte[] body = headers.containsKey("Content-Length")
                    ? in.readNBytes(Integer.parseInt(headers.get("Content-Length")))
                    : code == 204 ? new byte[0] : in.readAllBytes();
            return new Answer(code, headers, new String(body, StandardCharsets.UTF_8));
        } catch (SocketTimeoutException e) {
            return new Answer(-1, headers, "");
        } catch (java.net.SocketException e) {
            return new Answer(0, headers, "");
        }
    }

    private @Nullable String line() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                return null;
            }
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
