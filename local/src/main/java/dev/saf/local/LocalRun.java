package dev.saf.local;

import dev.saf.consumer.ConsumerApplication;
import dev.saf.local.LocalSettings.Port;
import dev.saf.natsserver.NatsServer;
import dev.saf.producer.ProducerApplication;
import dev.saf.settings.Settings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.springframework.boot.context.config.ConfigDataEnvironmentPostProcessor;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.SimpleCommandLinePropertySource;
import org.springframework.core.env.StandardEnvironment;

/** All of Saf in this process, but for nats-server, which is a child. */
final class LocalRun implements AutoCloseable {

    private final Consumer<String> lines;
    private final Deque<AutoCloseable> started = new ConcurrentLinkedDeque<>();
    private volatile boolean closing;

    LocalRun(Consumer<String> lines) {
        this.lines = lines;
    }

    /**
     * Starts everything, and says where it is.
     *
     * @throws RuntimeException with a sentence, and whatever was started still to be closed, if something is in the way
     */
    void start(String... arguments) {
        ConfigurableEnvironment environment = environment(arguments);
        Settings settings = new Settings(environment);
        LocalSettings local = settings.bind("saf.local", LocalSettings.class);
        List<String> servers = Binder.get(environment)
                .bind("saf.nats.servers", Bindable.listOf(String.class))
                .orElse(List.of());
        // First: of all that could be in the way, another run in this folder explains the most.
        DataFolder data = keep(DataFolder.open(Path.of(local.data())));
        refuseTakenPorts(local, servers.isEmpty());

        List<String> common = new ArrayList<>(List.of(arguments));
        // Started in order, stopped in order: see close.
        common.add("--spring.main.register-shutdown-hook=false");
        common.add("--spring.main.log-startup-info=false");
        // Both log to one console, whose pattern can have but one name.
        common.add("--logging.include-application-name=false");
        if (!environment.containsProperty("logging.level.root")) {
            common.addAll(List.of("--logging.level.root=warn", "--logging.level.dev.saf=info"));
        }
        // Nobody has to show who they are, so nobody from outside is let in unless that is asked for.
        for (String address : List.of("server.address", "management.server.address")) {
            if (!environment.containsProperty(address)) {
                common.add("--" + address + "=127.0.0.1");
            }
        }
        String nats;
        if (servers.isEmpty()) {
            lines.accept("starting nats-server…");
            NatsServer server = keep(NatsServer.builder()
                    .port(local.natsPort())
                    .store(data.path().resolve("nats"))
                    .progress(lines)
                    .start());
            common.add("--saf.nats.servers=" + server.url());
            nats = server.url() + ", monitoring http://127.0.0.1:" + server.monitoringPort();
        } else {
            nats = String.join(", ", servers) + ", from saf.nats.servers: none of our own is started";
        }
        if (settings.namesBelow("saf.channels").isEmpty()) {
            common.add("--saf.channels.log.type=log");
        }
        lines.accept("starting the consumer…");
        List<String> consumer = new ArrayList<>(common);
        // It must not be the producer's address that lets anybody operate the channels.
        consumer.removeIf(argument -> argument.startsWith("--server.address="));
        consumer.add("--server.address=" + environment.getProperty("saf.api.address", "127.0.0.1"));
        keep(ConsumerApplication.start(with(consumer, local.consumerPort(), local.consumerManagementPort())));
        lines.accept("starting the producer…");
        keep(ProducerApplication.start(with(common, local.producerPort(), local.producerManagementPort())));
        if (!closing) {
            lines.accept(whereEverythingIs(local, nats, data.path()));
        }
    }

    /** Stops what was started, last first, so that every service can still settle with the one it needs. */
    @Override
    public void close() {
        closing = true;
        for (AutoCloseable last = started.pollFirst(); last != null; last = started.pollFirst()) {
            end(last);
        }
    }

    private <T extends AutoCloseable> T keep(T opened) {
        started.addFirst(opened);
        if (closing && started.remove(opened)) {
            end(opened);
        }
        return opened;
    }

    private void end(AutoCloseable last) {
        try {
            last.close();
        } catch (Exception e) {
            lines.accept("did not stop in order: " + e);
        }
    }

    private static ConfigurableEnvironment environment(String... arguments) {
        StandardEnvironment environment = new StandardEnvironment();
        environment.getPropertySources().addFirst(new SimpleCommandLinePropertySource(arguments));
        environment.getPropertySources().addLast(new MapPropertySource("local", Map.of("spring.config.name", "saf")));
        ConfigDataEnvironmentPostProcessor.applyTo(environment);
        return environment;
    }

    private static String[] with(List<String> common, int port, int managementPort) {
        return Stream.concat(
                        common.stream(),
                        Stream.of("--server.port=" + port, "--management.server.port=" + managementPort))
                .toArray(String[]::new);
    }

    private static void refuseTakenPorts(LocalSettings local, boolean ownNats) {
        String taken = local.ports().stream()
                .filter(port -> ownNats || port.number() != local.natsPort())
                .filter(port -> isTaken(port.number()))
                .map(LocalRun::remedy)
                .collect(Collectors.joining("\n"));
        if (!taken.isEmpty()) {
            throw new RefusedStartException(taken);
        }
    }

    private static String remedy(Port port) {
        return "Port %d is taken, and %s is to listen there. Stop what does (lsof -i :%d shows it), or set saf.local.%s in saf.yml (%s in the environment) to another port."
                .formatted(
                        port.number(),
                        port.listener(),
                        port.number(),
                        port.key(),
                        "SAF_LOCAL_" + port.key().replace('-', '_').toUpperCase(Locale.ROOT));
    }

    /** Both ways: on some systems one may listen on all interfaces beside another that listens on this one. */
    private static boolean isTaken(int port) {
        for (InetSocketAddress address :
                List.of(new InetSocketAddress(port), new InetSocketAddress(InetAddress.getLoopbackAddress(), port))) {
            try (ServerSocket socket = new ServerSocket()) {
                socket.bind(address);
            } catch (IOException e) {
                return true;
            }
        }
        return false;
    }

    private static String whereEverythingIs(LocalSettings local, String nats, Path data) {
        return """

            Saf runs.
              producer  http://127.0.0.1:%1$d  health http://127.0.0.1:%2$d/actuator/health  metrics http://127.0.0.1:%2$d/actuator/prometheus
              consumer  http://127.0.0.1:%3$d  health http://127.0.0.1:%4$d/actuator/health  metrics http://127.0.0.1:%4$d/actuator/prometheus
              nats      %5$s
              data      %6$s, kept between runs

            Send an event, from another terminal, and see it arrive below:

              curl -i http://127.0.0.1:%1$d/api/event -H 'Content-Type: application/json' -d '{"subject":"ride.accepted","payload":{"ride":1}}'

            Ctrl-C stops everything.
            """.formatted(
                        local.producerPort(),
                        local.producerManagementPort(),
                        local.consumerPort(),
                        local.consumerManagementPort(),
                        nats,
                        data);
    }
}
