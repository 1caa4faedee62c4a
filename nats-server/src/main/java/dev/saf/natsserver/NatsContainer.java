package dev.saf.natsserver;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.exception.DockerException;
import com.github.dockerjava.api.model.Bind;
import com.github.dockerjava.api.model.HostConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Assumptions;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.startupcheck.StartupCheckStrategy;
import org.testcontainers.utility.DockerImageName;

/**
 * A nats-server in a container, for {@code -Dsaf.nats=container}. It shares the host's network and the server's folder
 * at the same path, so that ports, store, log and configuration are where they are for a process.
 */
final class NatsContainer implements Instance {

    private static final String IMAGE = System.getProperty("saf.nats.image", "nats:2.15.1");

    private final GenericContainer<?> container;
    private final DockerClient docker;
    private final long pid;

    NatsContainer(Path folder, Path configuration, Path log) {
        Assumptions.assumeTrue(
                DockerClientFactory.instance().isDockerAvailable(),
                "skipped: -Dsaf.nats=container needs a Docker engine, and none answers");
        container = new GenericContainer<>(DockerImageName.parse(IMAGE))
                .withNetworkMode("host")
                .withCommand("-c", configuration.toString(), "-l", log.toString())
                .withCreateContainerCmdModifier(
                        create -> Objects.requireNonNullElseGet(create.getHostConfig(), HostConfig::new)
                                .withBinds(Bind.parse(folder + ":" + folder + ":rw")));
        container.setWaitStrategy(null);
        // Whether it serves, and why not, is for NatsServer to find out, as with a process.
        container.setStartupCheckStrategy(new StartupCheckStrategy() {
            @Override
            public StartupStatus checkStartupState(DockerClient client, String id) {
                return StartupStatus.SUCCESSFUL;
            }
        });
        docker = container.getDockerClient();
        container.start();
        Long inspected = docker.inspectContainerCmd(container.getContainerId())
                .exec()
                .getState()
                .getPidLong();
        pid = inspected == null ? 0 : inspected;
    }

    @Override
    public long pid() {
        return pid;
    }

    @Override
    public boolean isRunning() {
        return container.getContainerId() != null && container.isRunning();
    }

    @Override
    public void signal(String name) {
        if (!isRunning()) {
            return;
        }
        try {
            docker.killContainerCmd(container.getContainerId()).withSignal(name).exec();
        } catch (DockerException e) {
            if (isRunning()) {
                throw new NatsServerException("Cannot send " + name + " to nats-server: " + e.getMessage(), e);
            }
        }
    }

    @Override
    public boolean awaitEnd(Duration patience) {
        long deadline = System.nanoTime() + patience.toNanos();
        while (isRunning()) {
            if (System.nanoTime() > deadline) {
                return false;
            }
            LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
        }
        container.stop();
        return true;
    }
}
