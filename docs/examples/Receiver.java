import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;

/**
 * A destination for webhooks that says what comes, and answers as it is told: {@code PUT /answer} with a status as the
 * body. {@code GET /received} lists all that came. Run with {@code java Receiver.java <port> <status> [<address>]}; it
 * listens on this machine only unless an address is given.
 */
public class Receiver {

    private static final Queue<String> received = new ConcurrentLinkedQueue<>();
    private static volatile int answer;

    public static void main(String[] args) throws IOException {
        answer = Integer.parseInt(args[1]);
        InetAddress address = args.length > 2 ? InetAddress.getByName(args[2]) : InetAddress.getLoopbackAddress();
        HttpServer server = HttpServer.create(new InetSocketAddress(address, Integer.parseInt(args[0])), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/hook", exchange -> {
            int status = answer;
            String line = "%s %s redrive=%s replay=%s %s -> %d"
                    .formatted(
                            header(exchange, "ce-type"),
                            header(exchange, "ce-id"),
                            header(exchange, "ce-safredrive"),
                            header(exchange, "ce-safreplay"),
                            body(exchange),
                            status);
            received.add(line + "\n");
            System.out.println(line);
            reply(exchange, status, "");
        });
        server.createContext("/answer", exchange -> {
            answer = Integer.parseInt(body(exchange).strip());
            reply(exchange, 200, "From now on it answers " + answer + ".\n");
        });
        server.createContext("/received", exchange -> reply(exchange, 200, String.join("", received)));
        server.start();
        System.out.printf("The destination answers %d.%n", answer);
    }

    private static String header(HttpExchange exchange, String name) {
        String value = exchange.getRequestHeaders().getFirst(name);
        return value == null ? "-" : value;
    }

    private static String body(HttpExchange exchange) throws IOException {
        return new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    }

    private static void reply(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }
}
