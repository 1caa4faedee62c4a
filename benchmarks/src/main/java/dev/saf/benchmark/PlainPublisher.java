package dev.saf.benchmark;

import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.event.TraceContext;
import dev.saf.event.WireFormat;
import dev.saf.jetstream.EventMessages;
import io.nats.client.Connection;
import io.nats.client.JetStream;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.impl.Headers;
import io.nats.client.impl.NatsMessage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.LongAdder;

/** Publishes messages as the producer's in a plain loop: what the client and the server can do at most. */
final class PlainPublisher {

    static final int WINDOW = 1024;

    private static final String RUN = Long.toString(System.nanoTime(), 36) + "-";

    private PlainPublisher() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        Connection connection = connect(args[0]);
        JetStream stream = connection.jetStream();
        byte[] body =
                ("{\"text\":\"" + "x".repeat(ProducerBenchmark.BODY - 100) + "\"}").getBytes(StandardCharsets.UTF_8);
        Event event = Event.of("bench.event", "id", "bench", Instant.now(), Payload.of(body, "application/json"))
                .withTrace(new TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", null));
        Headers headers = EventMessages.headers(event);
        String subject = WireFormat.natsSubject(event);
        Semaphore window = new Semaphore(WINDOW);
        LongAdder stored = new LongAdder();
        long[] ids = new long[1];
        Parent.serve("connected", millis -> {
            long before = stored.sum();
            long start = System.nanoTime();
            long end = start + Long.parseLong(millis) * 1_000_000;
            while (System.nanoTime() - end < 0) {
                window.acquireUninterruptibly();
                String id = RUN + ids[0]++;
                Headers own = new Headers(headers)
                        .put(WireFormat.MESSAGE_ID, "bench/" + id)
                        .put("ce-id", id);
                var _ = stream.publishAsync(NatsMessage.builder()
                                .subject(subject)
                                .headers(own)
                                .data(body)
                                .build())
                        .whenComplete((_, failure) -> {
                            if (failure == null) {
                                stored.increment();
                            }
                            window.release();
                        });
            }
            return (stored.sum() - before) * 1e9 / (System.nanoTime() - start);
        });
    }

    static Connection connect(String url) throws IOException, InterruptedException {
        return Nats.connect(
                new Options.Builder().server(url).dontForceFlushOnRequest().build());
    }
}
