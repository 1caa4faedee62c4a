package dev.saf.natsserver;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Several nats-servers that keep JetStream together, so that replicated streams outlive the loss of a minority. */
public final class NatsCluster implements AutoCloseable {

    private final List<NatsServer> nodes;

    private NatsCluster(List<NatsServer> nodes) {
        this.nodes = List.copyOf(nodes);
    }

    /**
     * Starts a cluster on fresh temporary folders and waits until its nodes have elected a leader.
     *
     * @param size the number of nodes, 3 for most purposes
     * @throws NatsServerException if no nats-server can be had, or the nodes do not find together
     */
    public static NatsCluster start(int size) {
        List<Integer> ports = new ArrayList<>();
        while (ports.size() < size) {
            int port = Ports.free();
            if (!ports.contains(port)) {
                ports.add(port);
            }
        }
        String routes = ports.stream()
                .map(port -> "\"nats-route://127.0.0.1:" + port + "\"")
                .collect(Collectors.joining(", ", "[", "]"));
        NatsCluster cluster = new NatsCluster(IntStream.range(0, size)
                .mapToObj(i -> NatsServer.builder()
                        .name("node-" + (i + 1))
                        .config("cluster { name: saf, listen: \"127.0.0.1:%d\", routes: %s }"
                                .formatted(ports.get(i), routes))
                        .build())
                .toList());
        try {
            cluster.nodes.forEach(NatsServer::launch);
            cluster.nodes.forEach(NatsServer::awaitServing);
            cluster.awaitLeader();
            return cluster;
        } catch (RuntimeException e) {
            cluster.close();
            throw e;
        }
    }

    /** The nodes, which can be killed and restarted one by one. */
    public List<NatsServer> nodes() {
        return nodes;
    }

    /** Where clients connect: to any of these, all of them for a client that is to survive the loss of a node. */
    public List<String> urls() {
        return nodes.stream().map(NatsServer::url).toList();
    }

    /** Waits until all running nodes know a leader and have caught up with their streams. */
    public void awaitLeader() {
        nodes.stream()
                .filter(NatsServer::isRunning)
                .forEach(node -> node.await("to know the cluster's leader", node::isHealthy));
    }

    /** Ends all nodes and deletes their folders. */
    @Override
    public void close() {
        nodes.forEach(NatsServer::close);
    }
}
