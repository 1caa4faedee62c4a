package dev.saf.producer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.saf.natsserver.NatsServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The service as a process of its own, ended under load. */
class ShutdownIT {

    private static final int CLIENTS = 32;

    @Test
    void answersEveryRequestItTookWhenItIsTerminated() throws Exception {
        try (NatsServer nats = NatsServer.start()) {
            Load load = new Load();
            Process service = serve(nats, load);
            try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
                load.start(clients);
                await().atMost(Duration.ofSeconds(30)).until(() -> load.accepted.size() > 2_000);
                service.destroy();
                assertThat(service.waitFor(30, TimeUnit.SECONDS)).isTrue();
            }
            assertThat(service.exitValue()).isEqualTo(143);
            assertThat(load.wrong).isEmpty();
            assertThat(load.unanswered).hasValue(0);
            assertThat(RunningProducer.stream(nats).getStreamState().getMsgCount())
                    .isEqualTo(load.accepted.size());
        }
    }

    @Test
    void losesNothingItAcknowledgedWhenItIsKilled() throws Exception {
        try (NatsServer nats = NatsServer.start()) {
            Load load = new Load();
            Process service = serve(nats, load);
            try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
                load.start(clients);
                await().atMost(Duration.ofSeconds(30)).until(() -> load.accepted.size() > 2_000);
                service.destroyForcibly();
            }
            assertThat(load.wrong).isEmpty();
            assertThat(RunningProducer.stream(nats).getStreamState().getMsgCount())
                    .isBetween((long) load.accepted.size(), (long) load.accepted.size() + CLIENTS);
        }
    }

    /** Clients that send one event after the other until nobody listens any more. */
    private static final class Load {

        final Queue<String> accepted = new ConcurrentLinkedQueue<>();
        final Queue<String> wrong = new ConcurrentLinkedQueue<>();
        final AtomicInteger unanswered = new AtomicInteger();
        int port;

        void start(ExecutorService clients) {
            for (int i = 0; i < CLIENTS; i++) {
                String client = "client-" + i;
                clients.execute(() -> {
                    int sent = 0;
                    try {
                        while (true) {
                            sent = session(client, sent);
                        }
                    } catch (IOException e) {
                        // Nobody listens any more.
                    }
                });
            }
        }

        /** Sends over one connection as long as it lasts. */
        private int session(String client, int first) throws IOException {
            int sent = first;
            try (RawHttp http = new RawHttp(port)) {
                while (true) {
                    String id = client + "-" + sent++;
                    RawHttp.Answer answer;
                    try {
                        http.send(RawHttp.post("{\"subject\":\"a\",\"id\":\"" + id + "\"}"));
                        answer = http.answer();
                    } catch (IOException e) {
                        answer = new RawHttp.Answer(0, Map.of(), "");
                    }
                    if (answer.status() == 202) {
                        accepted.add(id);
                    } else if (answer.status() == 0) {
                        // A connection that only the kernel took, as the service was closing its socket, is a refused
                        // one.
                        if (sent > first + 1) {
                            unanswered.incrementAndGet();
                        }
                        return sent;
                    } else {
                        wrong.add(answer.toString());
                    }
                    if (answer.closes()) {
                        return sent;
                    }
                }
            }
        }
    }

    private static Process serve(NatsServer nats, Load load) throws IOException {
        Process service = new ProcessBuilder(List.of(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        ProducerApplication.class.getName(),
                        "--server.port=0",
                        "--server.address=127.0.0.1",
                        "--management.server.port=0",
                        "--saf.nats.servers=" + nats.url()))
                .redirectErrorStream(true)
                .start();
        // Tomcat says first where it listens for events, then where for management.
        BufferedReader out = service.inputReader();
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            int at = line.indexOf("Tomcat started on port ");
            if (at >= 0) {
                String port = line.substring(at + "Tomcat started on port ".length());
                load.port = Integer.parseInt(port.substring(0, port.indexOf(' ')));
                break;
            }
        }
        Thread.ofVirtual().start(() -> {
            try {
                while (out.readLine() != null) {
                    // Must not fill the pipe.
                }
            } catch (IOException e) {
                // Ended.
            }
        });
        await().atMost(Duration.ofSeconds(20))
                .until(() -> RawHttp.once(load.port, RawHttp.post("{\"subject\":\"first\",\"id\":\"first\"}"))
                                .status()
                        == 202);
        load.accepted.add("first");
        return service;
    }
}
