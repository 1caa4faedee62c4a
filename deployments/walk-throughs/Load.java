import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A client and a destination in one, that keeps the books: {@code java Load.java <port> <events a second> <producer>…}.
 *
 * <p>It sends events to a producer, to the next one if that does not answer 202, each under one id for half a minute at
 * most; and it is the webhook they arrive at. {@code GET /report} tells what became of them, {@code POST /stop} sends
 * no more, waits for what is under way, half a minute at most, and then tells.
 */
final class Load {

    private static final Duration BUDGET = Duration.ofSeconds(30);

    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(1)).build();
    private final List<URI> producers;
    private final ExecutorService each = Executors.newVirtualThreadPerTaskExecutor();
    private final AtomicInteger sent = new AtomicInteger();
    private final AtomicInteger failed = new AtomicInteger();
    private final AtomicInteger repeated = new AtomicInteger();
    private final Map<String, Boolean> acknowledged = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> delivered = new ConcurrentHashMap<>();
    private final AtomicLong lastAcknowledged = new AtomicLong(System.nanoTime());
    private final AtomicLong longestPause = new AtomicLong();
    private volatile int preferred;
    private volatile boolean stopped;

    private Load(List<URI> producers) {
        this.producers = producers;
    }

    public static void main(String[] arguments) throws Exception {
        int rate = Integer.parseInt(arguments[1]);
        Load load = new Load(Arrays.stream(arguments)
                .skip(2)
                .map(url -> URI.create(url + "/api/event"))
                .toList());
        HttpServer server =
                HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 1_000);
        server.setExecutor(load.each);
        server.createContext("/", load::take);
        server.createContext("/report", exchange -> answer(exchange, 200, load.report()));
        server.createContext("/stop", exchange -> answer(exchange, 200, load.stop()));
        server.start();
        load.send(rate);
        Thread.currentThread().join();
    }

    private void send(int rate) throws InterruptedException {
        long next = System.nanoTime();
        while (!stopped) {
            int number = sent.incrementAndGet();
            var _ = each.submit(() -> send("load-" + number));
            next += TimeUnit.SECONDS.toNanos(1) / rate;
            TimeUnit.NANOSECONDS.sleep(next - System.nanoTime());
        }
    }

    private void send(String id) {
        long begun = System.nanoTime();
        int attempt = 0;
        while (System.nanoTime() - begun < BUDGET.toNanos()) {
            if (attempt > 0) {
                repeated.incrementAndGet();
                pause();
            }
            attempt++;
            int producer = preferred;
            if (isAccepted(producers.get(producer), id)) {
                acknowledged.put(id, true);
                long now = System.nanoTime();
                longestPause.accumulateAndGet(now - lastAcknowledged.getAndSet(now), Math::max);
                return;
            }
            preferred = (producer + 1) % producers.size();
        }
        failed.incrementAndGet();
    }

    private boolean isAccepted(URI producer, String id) {
        try {
            return client.send(
                                    HttpRequest.newBuilder(producer)
                                            .timeout(Duration.ofSeconds(10))
                                            .header("Content-Type", "application/json")
                                            .POST(BodyPublishers.ofString(
                                                    "{\"subject\":\"load.tick\",\"id\":\"" + id + "\"}"))
                                            .build(),
                                    BodyHandlers.discarding())
                            .statusCode()
                    == 202;
        } catch (IOException e) {
            // No producer there, or its answer got lost: the next attempt has the same id.
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void take(HttpExchange exchange) throws IOException {
        exchange.getRequestBody().readAllBytes();
        delivered
                .computeIfAbsent(exchange.getRequestHeaders().getFirst("ce-id"), id -> new AtomicInteger())
                .incrementAndGet();
        exchange.sendResponseHeaders(204, -1);
        exchange.close();
    }

    private String stop() {
        stopped = true;
        for (int i = 0; i < 300 && (acknowledged.size() + failed.get() < sent.get() || lost() > 0); i++) {
            pause();
        }
        return report();
    }

    private long lost() {
        return acknowledged.keySet().stream()
                .filter(id -> !delivered.containsKey(id))
                .count();
    }

    private String report() {
        return "sent %d, failed %d, acknowledged %d, lost %d%nattempts repeated %d, events delivered again %d, longest pause %d ms%n"
                .formatted(
                        sent.get(),
                        failed.get(),
                        acknowledged.size(),
                        lost(),
                        repeated.get(),
                        delivered.values().stream()
                                .filter(times -> times.get() > 1)
                                .count(),
                        TimeUnit.NANOSECONDS.toMillis(longestPause.get()));
    }

    private static void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(100);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }
}
