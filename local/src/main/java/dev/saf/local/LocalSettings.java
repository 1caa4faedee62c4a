package dev.saf.local;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * What {@code saf.local.*} may say, for all of Saf in one command.
 *
 * @param data the folder that keeps the events between runs; relative to the working directory
 * @param natsPort where nats-server listens
 * @param producerPort where the producer takes events
 * @param producerManagementPort where the producer shows health and metrics
 * @param consumerPort where the consumer listens
 * @param consumerManagementPort where the consumer shows health and metrics
 */
record LocalSettings(
        @DefaultValue(".saf") String data,
        @DefaultValue("4222") int natsPort,
        @DefaultValue("1378") int producerPort,
        @DefaultValue("1379") int producerManagementPort,
        @DefaultValue("1380") int consumerPort,
        @DefaultValue("1381") int consumerManagementPort) {

    LocalSettings {
        if (data.isBlank()) {
            throw new IllegalArgumentException("data: must name a folder, such as .saf");
        }
        Map<Integer, String> seen = new LinkedHashMap<>();
        for (Port port : ports(natsPort, producerPort, producerManagementPort, consumerPort, consumerManagementPort)) {
            if (port.number() < 1 || port.number() > 65_535) {
                throw new IllegalArgumentException(port.key() + ": must be between 1 and 65535, is " + port.number());
            }
            String other = seen.putIfAbsent(port.number(), port.key());
            if (other != null) {
                throw new IllegalArgumentException("%s: is %d, as saf.local.%s is; must be another port"
                        .formatted(port.key(), port.number(), other));
            }
        }
    }

    /** One port, the last part of the property that changes it, and what is to listen there. */
    record Port(int number, String key, String listener) {}

    List<Port> ports() {
        return ports(natsPort, producerPort, producerManagementPort, consumerPort, consumerManagementPort);
    }

    private static List<Port> ports(
            int nats, int producer, int producerManagement, int consumer, int consumerManagement) {
        return List.of(
                new Port(nats, "nats-port", "nats-server"),
                new Port(producer, "producer-port", "the producer"),
                new Port(producerManagement, "producer-management-port", "the producer's management"),
                new Port(consumer, "consumer-port", "the consumer"),
                new Port(consumerManagement, "consumer-management-port", "the consumer's management"));
    }
}
