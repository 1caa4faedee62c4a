package dev.saf.deployments;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.saf.peers.Tool;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class JustfileIT {

    @Test
    void everyRecipeParsesAndIsExplained() throws Exception {
        String list = Tool.run("just", "--list", "--unsorted").success();
        assertThat(list.lines().skip(1)).isNotEmpty().allMatch(line -> line.contains(" # "));
    }

    @Test
    void sendsAnEventAsItIsTyped() throws Exception {
        Queue<String> received = new ConcurrentLinkedQueue<>();
        HttpServer producer = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        producer.createContext("/api/event", exchange -> {
            received.add(exchange.getRequestHeaders().getFirst("Content-Type") + " "
                    + new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            exchange.sendResponseHeaders(202, -1);
            exchange.close();
        });
        producer.start();
        try {
            Map<String, String> environment = Map.of(
                    "SAF_PRODUCER", "http://127.0.0.1:" + producer.getAddress().getPort());
            String payload = "{\"ride\": \"the driver's \\\"first\\\" $HOME\"}";
            assertThat(Tool.run(environment, "just", "send", "ride.accepted", payload)
                            .success())
                    .contains("202");
            assertThat(received).hasSize(1);
            assertThat(received.remove())
                    .startsWith("application/json ")
                    .satisfies(request -> assertThat(JsonMapper.builder()
                                    .build()
                                    .readTree(request.substring("application/json ".length()))
                                    .at("/payload/ride")
                                    .stringValue())
                            .isEqualTo("the driver's \"first\" $HOME"));
        } finally {
            producer.stop(0);
        }
    }
}
