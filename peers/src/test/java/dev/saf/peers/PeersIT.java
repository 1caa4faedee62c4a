package dev.saf.peers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;

class PeersIT {

    @Test
    void mosquittoAnswersAndComesBack() throws Exception {
        // CONNECT of MQTT 3.1.1 with the client id "a"; the answer is a CONNACK that accepts it.
        byte[] connect = {0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, 1, 'a'};
        byte[] accepted = {0x20, 2, 0, 0};
        try (Peer mosquitto = Mosquitto.start()) {
            assertThat(answer(mosquitto, connect, 4)).isEqualTo(accepted);
            mosquitto.restart();
            assertThat(answer(mosquitto, connect, 4)).isEqualTo(accepted);
        }
    }

    @Test
    void rabbitMqAnswersAndComesBack() throws Exception {
        byte[] header = {'A', 'M', 'Q', 'P', 0, 0, 9, 1};
        // The beginning of a method's frame on channel 0.
        byte[] method = {1, 0, 0};
        try (Peer rabbit = RabbitMq.start()) {
            assertThat(answer(rabbit, header, 3)).isEqualTo(method);
            rabbit.restart();
            assertThat(answer(rabbit, header, 3)).isEqualTo(method);
        }
    }

    @Test
    void redisKeepsWhatItConfirmed() throws Exception {
        try (Peer redis = Redis.start()) {
            assertThat(ask(redis, "SET a b", "+OK\r\n")).isEqualTo("+OK\r\n");
            redis.kill();
            assertThatThrownBy(() -> ask(redis, "PING", "+PONG\r\n")).isInstanceOf(IOException.class);
            redis.restart();
            assertThat(ask(redis, "GET a", "$1\r\nb\r\n")).isEqualTo("$1\r\nb\r\n");
        }
    }

    @Test
    void postgresAnswersAndComesBack() throws Exception {
        // Asks for TLS; the answer is that there is none.
        byte[] request = {0, 0, 0, 8, 4, (byte) 0xd2, 0x16, 0x2f};
        try (Peer postgres = Postgres.start()) {
            assertThat(answer(postgres, request, 1)).containsExactly('N');
            postgres.restart();
            assertThat(answer(postgres, request, 1)).containsExactly('N');
        }
    }

    @Test
    void isSilentWhileItIsFrozen() throws Exception {
        try (Peer redis = Redis.start()) {
            redis.freeze();
            assertThatThrownBy(() -> ask(redis, "PING", "+PONG\r\n")).isInstanceOf(SocketTimeoutException.class);
            redis.resume();
            assertThat(ask(redis, "PING", "+PONG\r\n")).isEqualTo("+PONG\r\n");
        }
    }

    @Test
    void leavesNothingBehind() {
        Peer redis = Redis.start();
        redis.close();
        redis.close();
        assertThat(Files.exists(redis.folder())).isFalse();
    }

    @Test
    void failsWithTheServersOwnWords() {
        assertThatThrownBy(() -> Redis.start("--no-such-option", "1"))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("redis-server ended")
                .hasMessageContaining("no-such-option");
    }

    private static String ask(Peer redis, String command, String expected) throws IOException {
        byte[] request = (command + "\r\n").getBytes(StandardCharsets.US_ASCII);
        return new String(answer(redis, request, expected.length()), StandardCharsets.US_ASCII);
    }

    private static byte[] answer(Peer peer, byte[] request, int length) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), peer.port())) {
            socket.setSoTimeout(1_000);
            socket.getOutputStream().write(request);
            return socket.getInputStream().readNBytes(length);
        }
    }
}
