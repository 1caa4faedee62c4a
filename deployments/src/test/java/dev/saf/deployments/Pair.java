package dev.saf.deployments;

import dev.saf.consumer.ConsumerApplication;
import dev.saf.producer.ProducerApplication;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.springframework.context.ConfigurableApplicationContext;

/** Both services in this JVM, as they are started elsewhere too, on ports of their own. */
public final class Pair implements AutoCloseable {

    private final ConfigurableApplicationContext producer;
    private final ConfigurableApplicationContext consumer;

    /**
     * Starts both.
     *
     * @param servers where NATS is
     * @param settings more of them, for both, such as {@code saf.channels.log.type=log}
     */
    public Pair(List<String> servers, String... settings) {
        List<String> arguments = new ArrayList<>(List.of(
                "--server.port=0",
                "--server.address=127.0.0.1",
                "--management.server.port=0",
                "--management.server.address=127.0.0.1",
                "--saf.nats.servers=" + String.join(",", servers)));
        for (String setting : settings) {
            arguments.add("--" + setting);
        }
        producer = ProducerApplication.start(arguments.toArray(String[]::new));
        consumer = ConsumerApplication.start(arguments.toArray(String[]::new));
    }

    /** Where the producer takes events. */
    public String producer() {
        return address(producer, "local.server.port");
    }

    /** Where the consumer is operated. */
    public String consumer() {
        return address(consumer, "local.server.port");
    }

    /** Where the health and the metrics of the producer are. */
    public String producerManagement() {
        return address(producer, "local.management.port");
    }

    /** Where the health and the metrics of the consumer are. */
    public String consumerManagement() {
        return address(consumer, "local.management.port");
    }

    private static String address(ConfigurableApplicationContext service, String port) {
        return "http://127.0.0.1:"
                + Objects.requireNonNull(service.getEnvironment().getProperty(port), port);
    }

    @Override
    public void close() {
        producer.close();
        consumer.close();
    }
}
