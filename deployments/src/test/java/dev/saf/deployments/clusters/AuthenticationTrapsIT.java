package dev.saf.deployments.clusters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.saf.natsserver.NatsServer;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.api.StreamConfiguration;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** What must not be done to a running server, as {@code docs/operations/enabling-authentication.md} says. */
@SuppressWarnings("try") // Connection.close may be interrupted
class AuthenticationTrapsIT {

    private static final String USERS = "authorization { users: [ { user: saf, password: secret } ] }\n";
    private static final int NO_JETSTREAM = 10039;

    @Test
    void aReloadRefusesAnotherSystemAccount() throws Exception {
        String renamed =
                USERS + "accounts { SYS: { users: [ { user: system, password: secret } ] } }\n" + "system_account: SYS";
        try (NatsServer server = NatsServer.builder().config(USERS).start()) {
            createStream(server);
            assertThatThrownBy(() -> server.reload(renamed)).hasMessageContaining("SystemAccount");
            assertThat(streams(server)).isEqualTo(1);
        }
    }

    @Test
    void aReloadRefusesAnotherNoAuthUser() {
        try (NatsServer server = NatsServer.builder().config(USERS).start()) {
            assertThatThrownBy(() -> server.reload(USERS + "no_auth_user: saf")).hasMessageContaining("NoAuthUser");
        }
    }

    @Test
    void anAddedAccountTakesJetStreamFromTheStreamsAtTheNextRestart() throws Exception {
        String added = USERS + "accounts { SAF { jetstream: enabled, users: [ { user: new, password: secret } ] } }";
        try (NatsServer server = NatsServer.builder().config(USERS).start()) {
            createStream(server);
            server.reload(added);
            assertThat(streams(server)).isEqualTo(1);
            server.restartWith(added);
            assertThatThrownBy(() -> streams(server))
                    .isInstanceOfSatisfying(
                            JetStreamApiException.class,
                            refusal -> assertThat(refusal.getApiErrorCode()).isEqualTo(NO_JETSTREAM));
            // Nothing is deleted.
            server.restartWith(USERS);
            assertThat(streams(server)).isEqualTo(1);
        }
    }

    private static void createStream(NatsServer server) throws Exception {
        try (Connection connection = connect(server)) {
            connection
                    .jetStreamManagement()
                    .addStream(StreamConfiguration.builder()
                            .name("events")
                            .subjects("events.>")
                            .build());
        }
    }

    private static int streams(NatsServer server) throws Exception {
        try (Connection connection = connect(server)) {
            return connection.jetStreamManagement().getStreamNames().size();
        }
    }

    private static Connection connect(NatsServer server) throws IOException, InterruptedException {
        return Nats.connect(new Options.Builder()
                .server(server.url())
                .userInfo("saf".toCharArray(), "secret".toCharArray())
                .build());
    }
}
