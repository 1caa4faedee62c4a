package dev.saf.producer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.natsserver.NatsServer;
import io.nats.client.Connection;
import io.nats.client.JetStreamManagement;
import io.nats.client.Nats;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.StreamConfiguration;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** The service is asked what would go wrong, instead of being started. */
@ExtendWith(OutputCaptureExtension.class)
@SuppressWarnings("try") // Connection.close may be interrupted
class CheckIT {

    private static final List<String> NEEDED = List.of(
            "events.>",
            "$JS.API.STREAM.INFO.events",
            "$JS.API.STREAM.CREATE.events",
            "$JS.API.STREAM.MSG.GET.events",
            "$SYS.REQ.USER.INFO");

    /** What the check says, and with what it ends. */
    private record Result(int exitCode, String said) {}

    @Test
    void findsNothingWrongWhereTheServiceCouldBegin() throws Exception {
        try (NatsServer nats = NatsServer.start();
                Connection connection = Nats.connect(nats.url());
                ServerSocket taken = new ServerSocket(0)) {
            // Nobody listens there: the port is somebody else's.
            Result result = check("saf.nats.servers=" + nats.url(), "server.port=" + taken.getLocalPort());
            assertThat(result.said())
                    .containsSubsequence(
                            "ok    configuration: ",
                            "ok    connection: nats-server ",
                            " at " + nats.url(),
                            "ok    permissions: ",
                            "ok    streams: stream events does not exist yet, the service will create it",
                            "The check has found nothing wrong.");
            assertThat(result.exitCode()).isZero();
            assertThat(connection.jetStreamManagement().getStreamNames()).isEmpty();
        }
    }

    @Test
    void leavesTheStreamOfTheServiceAsItIs() throws Exception {
        try (NatsServer nats = NatsServer.start()) {
            RunningProducer.with(nats).close();
            StreamConfiguration before = RunningProducer.stream(nats).getConfiguration();
            Result result = check("saf.nats.servers=" + nats.url(), "saf.streams.events.description=another");
            assertThat(result.said())
                    .contains("ok    streams: stream events keeps its promises")
                    .contains("note  streams: stream events has description=nothing where another is configured");
            assertThat(result.exitCode()).isZero();
            assertThat(RunningProducer.stream(nats).getConfiguration().toJson()).isEqualTo(before.toJson());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "saf.producer.max-bdoy=1MB | saf.producer.max-bdoy: is unknown; saf.producer has [max-body,",
                "saf.producer.max-body=lots | saf.producer.max-body: 'lots' is not a size",
                "saf.streams.events.duplicate-window=5s | saf.producer.publish-budget: with the attempt-timeout",
                "saf.nats.ssl-bundle=none | saf.nats.ssl-bundle: 'none' is not configured",
                "saf.check.timeout=1ms | saf.check.timeout: must be between 1s and 1h, is 1ms",
                "server.port=99999999999 | server.port",
                "server.tomcat.threads.max=many | server.tomcat.threads.max",
                "management.server.port=x | management.server.port",
            })
    void refusesTheConfigurationAsAStartDoes(String setting, String sentence, CapturedOutput output) {
        Result result = check("saf.nats.servers=nats://127.0.0.1:1", setting);
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.said()).isEmpty();
        assertThat(output.getAll())
                .contains("APPLICATION FAILED TO START", sentence)
                .doesNotContain("\tat ");
    }

    @Test
    void saysThatNatsIsAway() {
        Result result = check("saf.nats.servers=nats://127.0.0.1:1");
        assertThat(result.said())
                .contains(
                        "FAIL  connection: not connected to NATS at nats://127.0.0.1:1: ",
                        "; see that nats-server runs and can be reached there, or correct saf.nats.servers")
                .endsWith("The check has found 1 of 2 things wrong, exit code 2.\n");
        assertThat(result.exitCode()).isEqualTo(2);
    }

    @Test
    void saysThatTheLoginIsRefusedAndNotThePassword() {
        try (NatsServer nats = NatsServer.builder()
                .config("authorization { user: saf, password: secret }")
                .start()) {
            Result result =
                    check("saf.nats.servers=" + nats.url(), "saf.nats.user=saf", "saf.nats.password=wrong-password");
            assertThat(result.said())
                    .containsIgnoringCase("authorization violation")
                    .contains("; log in as the server wants it, by saf.nats.user and password")
                    .doesNotContain("wrong-password");
            assertThat(result.exitCode()).isEqualTo(2);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "events.>",
                "$JS.API.STREAM.INFO.events",
                "$JS.API.STREAM.CREATE.events",
                "$JS.API.STREAM.MSG.GET.events",
                "$SYS.REQ.USER.INFO"
            })
    void namesAPermissionThatIsMissing(String missing) {
        List<String> others =
                NEEDED.stream().filter(subject -> !subject.equals(missing)).toList();
        try (NatsServer nats = permitting(others, "_INBOX_producer.>")) {
            Result result = check(login(nats, "saf.nats.inbox-prefix=_INBOX_producer"));
            assertThat(result.said())
                    .contains(
                            "may not publish to \"" + missing + "\"",
                            "; allow it in the permissions of this user, deployments/nats/permissions prints all");
            others.forEach(other -> assertThat(result.said()).doesNotContain("may not publish to \"" + other + "\""));
            assertThat(result.exitCode()).isEqualTo(3);
        }
    }

    @Test
    void isContentWithThePermissionsThatAreNeeded() throws Exception {
        try (NatsServer nats = permitting(NEEDED, "_INBOX_producer.>")) {
            Result result = check(login(nats, "saf.nats.inbox-prefix=_INBOX_producer"));
            assertThat(result.said()).contains("ok    permissions: user saf may do all that is needed");
            assertThat(result.exitCode()).isZero();
        }
    }

    @Test
    void saysThatAnswersCannotCome() {
        try (NatsServer nats = permitting(List.of(">"), "_INBOX_producer.>")) {
            Result result = check(login(nats));
            assertThat(result.said())
                    .contains("FAIL  permissions: this user may not subscribe to \"_INBOX.>\", where answers come to;"
                            + " allow it, or set saf.nats.inbox-prefix to what it may subscribe to");
            assertThat(result.exitCode()).isEqualTo(3);
        }
    }

    @Test
    void needsNoPermissionToCreateAStreamThatIsThere() {
        try (NatsServer nats = NatsServer.start()) {
            RunningProducer.with(nats).close();
            nats.restartWith(user(
                    NEEDED.stream().filter(each -> !each.contains("CREATE")).toList(), "_INBOX.>"));
            Result result = check(login(nats));
            assertThat(result.said()).contains("The check has found nothing wrong.");
            assertThat(result.exitCode()).isZero();
        }
    }

    @Test
    void saysThatAStreamBreaksAPromiseAndWhich() throws Exception {
        try (NatsServer nats = NatsServer.start();
                Connection connection = Nats.connect(nats.url())) {
            StreamConfiguration stream = StreamConfiguration.builder()
                    .name("events")
                    .subjects("events.>")
                    .discardPolicy(DiscardPolicy.Old)
                    .build();
            JetStreamManagement management = connection.jetStreamManagement();
            var _ = management.addStream(stream);
            Result result = check("saf.nats.servers=" + nats.url());
            assertThat(result.said())
                    .contains(
                            "FAIL  streams: stream events has discard=old where new is configured: a full stream drops")
                    .contains("; alter the stream (nats stream edit events), or what is configured below saf.streams");
            assertThat(result.exitCode()).isEqualTo(4);
            assertThat(management.getStreamInfo("events").getConfiguration().getDiscardPolicy())
                    .isEqualTo(DiscardPolicy.Old);
        }
    }

    @Test
    void saysThatAnotherStreamIsInTheWay() throws Exception {
        try (NatsServer nats = NatsServer.start();
                Connection connection = Nats.connect(nats.url())) {
            var _ = connection
                    .jetStreamManagement()
                    .addStream(StreamConfiguration.builder()
                            .name("other")
                            .subjects("events.orders.>")
                            .build());
            Result result = check("saf.nats.servers=" + nats.url());
            assertThat(result.said())
                    .contains(
                            "FAIL  streams: stream events does not exist, and cannot be created while stream other has"
                                    + " events.>");
            assertThat(result.exitCode()).isEqualTo(4);
            assertThat(connection.jetStreamManagement().getStreamNames()).containsExactly("other");
        }
    }

    @Test
    void saysThatThereIsNoJetStream() {
        try (NatsServer nats = NatsServer.builder()
                .config("accounts { NONE { users: [ {user: saf, password: secret} ] } }")
                .start()) {
            Result result = check(login(nats));
            assertThat(result.said())
                    .contains("FAIL  streams: stream events could not be looked at: ")
                    .contains("; switch JetStream on, in nats-server and for the account of this user");
            assertThat(result.exitCode()).isEqualTo(4);
        }
    }

    @Test
    void endsInTime() {
        try (NatsServer nats = NatsServer.start()) {
            nats.freeze();
            Result result =
                    check("saf.nats.servers=" + nats.url(), "saf.nats.connect-timeout=1h", "saf.check.timeout=1s");
            assertThat(result.said()).contains("FAIL  time: not everything could be looked at within 1s");
            assertThat(result.exitCode()).isEqualTo(6);
        }
    }

    @Test
    void showsTheConfigurationThatCountsWithoutItsSecrets() {
        Result result = run(
                "--show-configuration",
                "--saf.nats.servers=nats://127.0.0.1:1",
                "--saf.nats.token=hunter2",
                "--saf.producer.max-body=512KB",
                "--management.opentelemetry.tracing.export.otlp.headers.key=hunter2");
        assertThat(result.exitCode()).isZero();
        assertThat(result.said().lines())
                .contains(
                        "saf.nats.connect-timeout = 2s   # default",
                        "saf.nats.password = not set   # default",
                        "saf.streams.events.max-age = 7d   # default")
                .anySatisfy(line -> assertThat(line)
                        .startsWith("saf.producer.max-body = 512KB   # ")
                        .contains("command"))
                .anySatisfy(line ->
                        assertThat(line).startsWith("server.port = 1378   # ").contains("producer.yml"))
                .anySatisfy(line -> assertThat(line).startsWith("saf.nats.token = ***   # "))
                .anySatisfy(line -> assertThat(line)
                        .startsWith("management.opentelemetry.tracing.export.otlp.headers.key = ***   # "));
        assertThat(result.said()).doesNotContain("hunter2", "spring.config.name", "logging.level.root");
    }

    private static NatsServer permitting(List<String> publish, String subscribe) {
        return NatsServer.builder().config(user(publish, subscribe)).start();
    }

    private static String user(List<String> publish, String subscribe) {
        return """
            authorization { users: [ { user: saf, password: secret, permissions: {
              publish: [ %s ], subscribe: "%s"
            } } ] }
            """.formatted(
                        publish.stream().map(each -> '"' + each + '"').collect(Collectors.joining(", ")), subscribe);
    }

    private static String[] login(NatsServer nats, String... settings) {
        return Stream.concat(
                        Stream.of(
                                "saf.nats.servers=" + nats.url(),
                                "saf.nats.user=saf",
                                "saf.nats.password=secret",
                                "saf.nats.request-timeout=500ms"),
                        Arrays.stream(settings))
                .toArray(String[]::new);
    }

    private static Result check(String... settings) {
        List<String> arguments = new ArrayList<>(List.of("--check"));
        for (String setting : settings) {
            arguments.add("--" + setting);
        }
        return run(arguments.toArray(String[]::new));
    }

    private static Result run(String... arguments) {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        int exitCode = ProducerApplication.check(new PrintStream(said, true, UTF_8), arguments);
        return new Result(exitCode, said.toString(UTF_8));
    }
}
