package dev.saf.channel.kafka;

import dev.saf.channel.SelfSigned;
import dev.saf.natsserver.Ports;
import dev.saf.peers.Peer;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import kafka.tools.StorageTool;
import org.apache.kafka.common.utils.Time;

/** A broker of Kafka with its controller (KRaft), in a JVM of its own. */
final class KafkaBroker {

    static final String USER = "shop";
    static final String PASSWORD = "t0p\"secret\\";

    private static final String READY = "The broker takes records.";

    private final Peer peer;
    private final int secure;

    private KafkaBroker(Peer peer, int secure) {
        this.peer = peer;
        this.secure = secure;
    }

    /** Starts one that lets everybody in without encryption, and {@link #USER} with it. */
    static KafkaBroker start() throws Exception {
        Peer.Builder broker = Peer.builder("jvm").ready(READY);
        int secure = Ports.free();
        int controller = Ports.free();
        Path keys = SelfSigned.keys(broker.folder());
        String properties = """
            process.roles=broker,controller
            node.id=1
            controller.quorum.voters=1@127.0.0.1:%2$d
            listeners=PLAINTEXT://127.0.0.1:%1$d,SASL_SSL://localhost:%3$d,CONTROLLER://127.0.0.1:%2$d
            advertised.listeners=PLAINTEXT://127.0.0.1:%1$d,SASL_SSL://localhost:%3$d
            listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
            controller.listener.names=CONTROLLER
            inter.broker.listener.name=PLAINTEXT
            log.dirs=%4$s/logs
            auto.create.topics.enable=false
            offsets.topic.replication.factor=1
            offsets.topic.num.partitions=1
            sasl.enabled.mechanisms=PLAIN
            listener.name.sasl_ssl.plain.sasl.jaas.config=\
              org.apache.kafka.common.security.plain.PlainLoginModule required user_%6$s="%7$s";
            ssl.keystore.type=PKCS12
            ssl.keystore.location=%5$s
            ssl.keystore.password=%8$s
            authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
            allow.everyone.if.no.acl.found=true
            super.users=User:ANONYMOUS
            """.formatted(
                        broker.port(),
                        controller,
                        secure,
                        broker.folder(),
                        keys,
                        USER,
                        // Once for the login's own syntax, and once for that of properties.
                        PASSWORD.replace("\\", "\\\\").replace("\"", "\\\"").replace("\\", "\\\\"),
                        SelfSigned.PASSWORD);
        Peer peer = broker.environment("SAF_TEST_JAVA_HOME", System.getProperty("java.home"))
                .environment("CLASSPATH", System.getProperty("java.class.path"))
                .start(
                        "-Xmx512m",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        KafkaBroker.class.getName(),
                        broker.file("server.properties", properties));
        return new KafkaBroker(peer, secure);
    }

    /** Is the broker, in a process of its own. */
    public static void main(String[] arguments) throws Exception {
        var _ = StorageTool.execute(
                new String[] {"format", "-t", "c2FmLXRlc3RzLWthZmthMQ", "-c", arguments[0], "--ignore-formatted"},
                System.out);
        Properties properties = new Properties();
        try (InputStream file = Files.newInputStream(Path.of(arguments[0]))) {
            properties.load(file);
        }
        new KafkaRaftServer(new KafkaConfig(properties), Time.SYSTEM).startup();
        System.out.println(READY);
    }

    Peer peer() {
        return peer;
    }

    String address() {
        return "127.0.0.1:" + peer.port();
    }

    /** Where clients encrypt and log in. */
    String secureAddress() {
        return "localhost:" + secure;
    }

    /** The folder with the keys that it shows. */
    Path folder() {
        return peer.folder();
    }
}
