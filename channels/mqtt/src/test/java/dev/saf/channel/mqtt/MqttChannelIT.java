package dev.saf.channel.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5Publish;
import dev.saf.channel.Channel;
import dev.saf.channel.ChannelContract;
import dev.saf.channel.RejectedEventException;
import dev.saf.channel.RemoteChannelContract;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.natsserver.Ports;
import dev.saf.peers.Certificate;
import dev.saf.peers.Mosquitto;
import dev.saf.peers.Peer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MqttChannelIT implements RemoteChannelContract {

    private static final String SECRET = "mqtt-secret";

    private final List<AutoCloseable> opened = new ArrayList<>();
    private final Peer mosquitto = opened(Mosquitto.start());
    private final Subscriber subscriber = opened(new Subscriber(mosquitto));

    @AfterEach
    void close() throws Exception {
        // A frozen one would keep everybody waiting who says good-bye.
        mosquitto.resume();
        for (AutoCloseable each : opened.reversed()) {
            each.close();
        }
    }

    @Override
    public String type() {
        return "mqtt";
    }

    @Override
    public Channel working() {
        return open(to(mosquitto));
    }

    @Override
    public Channel gone() {
        return open(new Given("mqtt://127.0.0.1:1"));
    }

    @Override
    public Channel silent() throws Exception {
        Channel channel = working();
        channel.deliver(ChannelContract.event("before"));
        mosquitto.freeze();
        return channel;
    }

    @Override
    public List<String> delivered() {
        return subscriber.property("id");
    }

    @Override
    public List<String> traceparents() {
        return subscriber.property("traceparent");
    }

    @Override
    public List<Supplier<Channel>> refused() {
        Given good = new Given("mqtt://broker:1883");
        return List.of(
                () -> open(good.urls(new String[0])),
                () -> open(good.urls("http://broker")),
                () -> open(good.urls("broker:1883")),
                () -> open(good.urls("mqtt://broker:1883/path")),
                () -> open(good.urls("mqtt://broker:99999")),
                () -> open(good.urls("mqtt://us er@broker")),
                () -> open(good.urls("mqtt://broker", "mqtt://user:secret@broker")),
                () -> open(good.version("4")),
                () -> open(good.topic(" ")),
                () -> open(good.topic("{{#id}}")),
                () -> open(good.qos(3)),
                () -> open(good.as(null, "secret")),
                () -> open(good.trusting("own")),
                () -> open(good.urls("mqtts://broker").trusting("unknown")));
    }

    @Test
    void publishesInBinaryModeWithMqtt5() throws Exception {
        working().deliver(ChannelContract.event("caf\u00e9 1").withAttribute("tenant", "a"));
        Mqtt5Publish message = onlyMessage();
        assertThat(message.getTopic()).hasToString("events/orders.placed");
        assertThat(message.getQos()).isEqualTo(MqttQos.AT_LEAST_ONCE);
        assertThat(message.isRetain()).isFalse();
        assertThat(message.getContentType().map(Object::toString)).hasValue("application/json");
        assertThat(message.getPayloadAsBytes()).asString().isEqualTo("{\"order\":1}");
        assertThat(message.getUserProperties().asList())
                .extracting(property -> property.getName() + "=" + property.getValue())
                .contains(
                        "specversion=1.0",
                        "id=caf\u00e9 1",
                        "source=shop",
                        "type=orders.placed",
                        "time=2026-01-02T03:04:05.006Z",
                        "tenant=a");
    }

    @Test
    void publishesJsonWithMqtt311() throws Exception {
        open(to(mosquitto).version("3.1.1")).deliver(ChannelContract.event("1"));
        assertThat(onlyMessage().getPayloadAsBytes()).asString().isEqualTo("""
            {"specversion":"1.0","id":"1","source":"shop","type":"orders.placed","time":"2026-01-02T03:04:05.006Z",\
            "traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",\
            "datacontenttype":"application/json","data":{"order":1}}\
            """);
    }

    @Test
    void publishesInBase64WhatIsNoJson() throws Exception {
        Payload odd = Payload.of(new byte[] {(byte) 0xff, 0}, "application/json");
        open(to(mosquitto).version("3.1.1")).deliver(new Event("a", "1", "saf", "a", null, odd, Map.of(), null));
        assertThat(onlyMessage().getPayloadAsBytes()).asString().contains("\"data_base64\":\"/wA=\"");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void deliversWithEachQualityOfService(int qos) throws Exception {
        open(to(mosquitto).qos(qos)).deliver(ChannelContract.event("1"));
        assertThat(onlyMessage().getQos().getCode()).isEqualTo(qos);
    }

    @Test
    void leavesTheLastEventToTheBrokerIfTold() throws Exception {
        open(to(mosquitto).retained()).deliver(ChannelContract.event("1"));
        Subscriber late = opened(new Subscriber(mosquitto));
        await().untilAsserted(() -> assertThat(late.property("id")).containsExactly("1"));
    }

    @Test
    void deliversOnceTheBrokerIsThere() throws Exception {
        mosquitto.kill();
        Channel channel = working();
        assertThatThrownBy(() -> channel.deliver(ChannelContract.event("1"))).isInstanceOf(IOException.class);
        mosquitto.restart();
        Subscriber late = opened(new Subscriber(mosquitto));
        channel.deliver(ChannelContract.event("1"));
        await().untilAsserted(() -> assertThat(late.property("id")).containsExactly("1"));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void failsWhatIsUnconfirmedWhenTheBrokerDiesAndGoesOnWithTheNext(int qos) throws Exception {
        Channel channel = open(to(mosquitto).qos(qos));
        channel.deliver(ChannelContract.event("before"));
        mosquitto.freeze();
        CompletableFuture<Boolean> unconfirmed = delivering(channel, "cut off");
        assertThat(unconfirmed).isNotDone();
        mosquitto.kill();
        assertThatThrownBy(unconfirmed::get)
                .isInstanceOf(ExecutionException.class)
                .rootCause()
                .isNotInstanceOf(RejectedEventException.class);
        mosquitto.restart();
        Subscriber late = opened(new Subscriber(mosquitto));
        channel.deliver(ChannelContract.event("after"));
        await().untilAsserted(() -> assertThat(late.property("id")).contains("after"));
    }

    @Test
    void failsIfTheConnectionEndsBeforeTheBrokerReleasesTheMessage() throws Exception {
        HalfWayBroker broker = opened(new HalfWayBroker());
        Channel channel = open(to(mosquitto).qos(2).urls("mqtt://127.0.0.1:" + broker.port()));
        assertThatThrownBy(() -> channel.deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("ended before PUBCOMP");
    }

    @Test
    void waitsForABrokerThatIsSlow() throws Exception {
        Channel channel = silent();
        CompletableFuture<Boolean> slow = delivering(channel, "slow");
        assertThat(slow).isNotDone();
        mosquitto.resume();
        assertThat(slow.get()).isTrue();
        await().untilAsserted(() -> assertThat(delivered()).containsExactly("before", "slow"));
    }

    @Test
    void failsIfTheBrokerRefusesTheCredentials(@TempDir Path folder) throws Exception {
        Path passwords = Files.writeString(folder.resolve("passwords"), "saf:" + hash(SECRET) + "\n");
        Peer strict = opened(Mosquitto.start("allow_anonymous false", "password_file " + passwords));
        assertThatThrownBy(() -> open(to(strict).as("saf", "wrong-secret")).deliver(ChannelContract.event("1")))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("the broker refuses the connection: ")
                .hasMessageNotContaining("wrong-secret");
        Subscriber everybody = opened(new Subscriber(strict, "saf", SECRET));
        open(to(strict).as("saf", SECRET)).deliver(ChannelContract.event("1"));
        await().untilAsserted(() -> assertThat(everybody.property("id")).containsExactly("1"));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void rejectsWhatTheBrokerForbids(int qos, @TempDir Path folder) throws Exception {
        Path acl = Files.writeString(folder.resolve("acl"), "topic readwrite allowed/#\n");
        Peer strict = opened(Mosquitto.start("acl_file " + acl));
        assertThatThrownBy(() -> open(to(strict).qos(qos)).deliver(ChannelContract.event("1")))
                .isInstanceOf(RejectedEventException.class)
                .hasMessage("the broker refuses the message: NOT_AUTHORIZED");
        open(to(strict).qos(qos).topic("allowed/{{subject}}")).deliver(ChannelContract.event("1"));
    }

    @Test
    void rejectsWhatIsTooLargeForTheBrokerAndGoesOn() throws Exception {
        Peer small = opened(Mosquitto.start("max_packet_size 1000"));
        Channel channel = open(to(small));
        channel.deliver(ChannelContract.event("1"));
        Payload large = Payload.of("x".repeat(2_000).getBytes(StandardCharsets.UTF_8), null);
        assertThatThrownBy(() -> channel.deliver(new Event("a", "2", "saf", "a", null, large, Map.of(), null)))
                .isInstanceOf(RejectedEventException.class);
        channel.deliver(ChannelContract.event("3"));
    }

    @Test
    void rejectsAnEventThatMakesNoTopic() {
        Payload wildcard = Payload.of("{\"room\":\"#\"}".getBytes(StandardCharsets.UTF_8), "application/json");
        Channel channel = open(to(mosquitto).topic("rooms/{{payload.room}}"));
        assertThatThrownBy(() -> channel.deliver(new Event("a", "1", "saf", "a", null, wildcard, Map.of(), null)))
                .isInstanceOf(RejectedEventException.class);
        assertThatThrownBy(() -> channel.deliver(ChannelContract.event("2")))
                .isInstanceOf(RejectedEventException.class)
                .hasMessageContaining("topic");
    }

    @Test
    void goesToTheNextBrokerIfTheFirstIsGone() throws Exception {
        open(to(mosquitto).urls("mqtt://127.0.0.1:1", "mqtt://127.0.0.1:" + mosquitto.port()))
                .deliver(ChannelContract.event("1"));
        await().untilAsserted(() -> assertThat(delivered()).containsExactly("1"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"5", "3.1.1"})
    void deliversOverTlsToWhomTheBundleTrusts(String version, @TempDir Path folder) throws Exception {
        Certificate certificate = Certificate.make(folder);
        Path chain = Files.writeString(folder.resolve("certificate.pem"), certificate.certificate());
        Path key = Files.writeString(folder.resolve("key.pem"), certificate.key());
        int port = Ports.free();
        Peer secure = opened(Mosquitto.start("listener " + port + " 127.0.0.1", "certfile " + chain, "keyfile " + key));
        Given overTls = to(secure).version(version).urls("mqtts://localhost:" + port);
        SSLContext trusted = certificate.trusted();
        Channel trusting = opened(new MqttChannelFactory()
                .open("partner", overTls.trusting("partner").settings(), bundle -> trusted));
        trusting.deliver(ChannelContract.event("1"));
        trusting.deliver(ChannelContract.event("2"));
        assertThatThrownBy(() -> open(overTls).deliver(ChannelContract.event("3")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("certif");
    }

    @Test
    void leavesNoThreadBehind() throws Exception {
        Channel channel = new MqttChannelFactory().open("leaving", to(mosquitto).settings(), MqttChannelIT::unknown);
        channel.deliver(ChannelContract.event("1"));
        assertThat(threads()).isPositive();
        channel.close();
        await().until(() -> threads() == 0);
    }

    private static long threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("mqtt-leaving"))
                .count();
    }

    private Mqtt5Publish onlyMessage() {
        await().untilAsserted(() -> assertThat(subscriber.received).hasSize(1));
        return subscriber.received.getFirst();
    }

    /** Returns once the delivery waits for somebody else. */
    private static CompletableFuture<Boolean> delivering(Channel channel, String id) {
        CompletableFuture<Boolean> delivered = new CompletableFuture<>();
        Thread thread = Thread.ofVirtual().start(() -> {
            try {
                channel.deliver(ChannelContract.event(id));
                delivered.complete(true);
            } catch (Exception e) {
                delivered.completeExceptionally(new CompletionException(e));
            }
        });
        await().until(() -> delivered.isDone() || thread.getState() == Thread.State.WAITING);
        return delivered;
    }

    /** As mosquitto_passwd writes it. */
    private static String hash(String password) throws Exception {
        byte[] salt = "twelve bytes".getBytes(StandardCharsets.US_ASCII);
        byte[] hash = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA512")
                .generateSecret(new PBEKeySpec(password.toCharArray(), salt, 101, 512))
                .getEncoded();
        Base64.Encoder text = Base64.getEncoder();
        return "$7$101$" + text.encodeToString(salt) + "$" + text.encodeToString(hash);
    }

    private static Given to(Peer broker) {
        return new Given("mqtt://127.0.0.1:" + broker.port());
    }

    private Channel open(Given given) {
        return opened(new MqttChannelFactory().open("partner", given.settings(), MqttChannelIT::unknown));
    }

    private static SSLContext unknown(String bundle) {
        throw new IllegalArgumentException("ssl-bundle: there is no bundle '" + bundle + "'");
    }

    private <T extends AutoCloseable> T opened(T resource) {
        opened.add(resource);
        return resource;
    }
}
