package dev.saf.deployments.charts;

import static org.awaitility.Awaitility.await;

import dev.saf.peers.Certificate;
import dev.saf.peers.Tool;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A real API server of Kubernetes, with the resource definitions that the charts may need and a namespace
 * {@code restricted}. It has no nodes and no controllers: what it accepts it stores, and nothing runs.
 */
final class KubernetesApi implements AutoCloseable {

    static final String NAMESPACE = "restricted";

    private static final String TOKEN = "for-this-test-only";

    private final Path folder;
    private final Path kubeconfig;
    private final List<Process> processes = new ArrayList<>();

    private KubernetesApi(Path folder) {
        this.folder = folder;
        this.kubeconfig = folder.resolve("kubeconfig");
    }

    /** Starts it. Takes seconds, or minutes when it has to be built first. */
    static KubernetesApi start(Path folder) throws Exception {
        // Built before they are started, so that nothing waits for a server that does not exist yet.
        Tool.run("kube-apiserver", "--version").success();
        Tool.run("etcd", "--version").success();
        KubernetesApi api = new KubernetesApi(folder);
        try {
            api.launch();
            api.prepare();
            return api;
        } catch (Exception | AssertionError e) {
            api.close();
            throw e;
        }
    }

    private void launch() throws IOException, NoSuchAlgorithmException {
        String etcd = "http://127.0.0.1:" + freePort();
        String peers = "http://127.0.0.1:" + freePort();
        int port = freePort();
        processes.add(child(
                folder,
                "etcd",
                "--data-dir=" + folder.resolve("etcd"),
                "--listen-client-urls=" + etcd,
                "--advertise-client-urls=" + etcd,
                "--listen-peer-urls=" + peers,
                "--initial-advertise-peer-urls=" + peers,
                "--initial-cluster=default=" + peers));
        Path key = folder.resolve("service-account.key");
        Files.writeString(key, privateKey());
        Path tokens = folder.resolve("tokens");
        Files.writeString(tokens, TOKEN + ",admin,admin,system:masters\n");
        processes.add(child(
                folder,
                "kube-apiserver",
                "--etcd-servers=" + etcd,
                "--service-account-key-file=" + key,
                "--service-account-signing-key-file=" + key,
                "--service-account-issuer=https://127.0.0.1:" + port,
                "--token-auth-file=" + tokens,
                "--authorization-mode=RBAC",
                "--cert-dir=" + folder.resolve("certificates"),
                "--bind-address=127.0.0.1",
                "--secure-port=" + port,
                "--service-cluster-ip-range=10.0.0.0/24",
                // There is no controller that makes the accounts it would look for.
                "--disable-admission-plugins=ServiceAccount"));
        Files.writeString(kubeconfig, """
            apiVersion: v1
            kind: Config
            current-context: test
            clusters:
              - name: test
                cluster: {server: "https://127.0.0.1:%d", insecure-skip-tls-verify: true}
            users:
              - name: admin
                user: {token: %s}
            contexts:
              - name: test
                context: {cluster: test, user: admin, namespace: %s}
            """.formatted(port, TOKEN, NAMESPACE));
    }

    private void prepare() throws Exception {
        await().atMost(Duration.ofMinutes(2)).until(() -> {
            if (processes.stream().anyMatch(process -> !process.isAlive())) {
                throw new AssertionError("ended, see " + folder + ": "
                        + Files.readString(folder.resolve("etcd.log"))
                        + Files.readString(folder.resolve("kube-apiserver.log")));
            }
            return kubectl("get", "--raw", "/readyz").exitCode() == 0;
        });
        String definitions = Tool.run("crds").success().lines().toList().getLast();
        kubectl("apply", "--server-side", "-f", definitions).success();
        kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
                .success();
        kubectl("create", "namespace", NAMESPACE).success();
        for (String mode : List.of("enforce", "warn")) {
            kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/" + mode + "=restricted")
                    .success();
        }
        kubectl("create", "priorityclass", "high", "--value=1000").success();
    }

    Tool.Result kubectl(String... arguments) throws IOException, InterruptedException {
        return Tool.run(Map.of("KUBECONFIG", kubeconfig.toString()), "kubectl", arguments);
    }

    Tool.Result helm(String... arguments) throws IOException, InterruptedException {
        return Tool.run(Map.of("KUBECONFIG", kubeconfig.toString()), "helm", arguments);
    }

    /** Runs a controller on it, until it is closed. */
    void control(String controller, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(arguments));
        command.add("--kubeconfig=" + kubeconfig);
        processes.add(child(folder, controller, command.toArray(String[]::new)));
    }

    /** Whether it would take these objects. A field it does not know is an error; Helm would only warn. */
    Tool.Result accepts(Path objects) throws IOException, InterruptedException {
        return kubectl("apply", "--dry-run=server", "--validate=strict", "-f", objects.toString());
    }

    @Override
    public void close() {
        for (Process process : processes.reversed()) {
            process.destroyForcibly().onExit().join();
        }
    }

    private static Process child(Path folder, String tool, String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Tool.project().resolve("tools").resolve(tool).toString());
        command.addAll(List.of(arguments));
        File log = folder.resolve(tool + ".log").toFile();
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log)
                .start();
        // If the tests are killed, close() is not called.
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
        return process;
    }

    private static String privateKey() throws NoSuchAlgorithmException {
        KeyPairGenerator keys = KeyPairGenerator.getInstance("RSA");
        keys.initialize(2048);
        return Certificate.pem(
                "PRIVATE KEY", keys.generateKeyPair().getPrivate().getEncoded());
    }

    /** Not one of those that operating systems give to outgoing connections, which may take it before it is used. */
    static int freePort() {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(12_000, 32_000);
            try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return socket.getLocalPort();
            } catch (IOException e) {
                // Taken: try another one.
            }
        }
    }
}
