package dev.saf.channel.nats;

import dev.saf.channel.Setting;
import dev.saf.channel.Template;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * To which subject of which NATS events are published.
 *
 * @param servers the servers to begin with, {@code nats://host:4222}. Required
 * @param subject a template. Default: <code>events.{{subject}}</code>, where another Saf finds it
 * @param jetstream whether a stream must have taken an event; otherwise it is enough that the server has it, which
 *     hands it to whoever listens just now. Default: true
 * @param stream the stream that must be the one to take it. Default: any that has the subject
 * @param credentials a file with a user's JWT and seed ({@code .creds})
 * @param username who logs in, instead
 * @param password the password of that user
 * @param token a token to log in with, instead
 * @param sslBundle the name of an SSL bundle ({@code spring.ssl.bundle}) with the certificates to trust and to show
 * @param connectTimeout how long to try to reach a server, at most a minute. Default: 5s
 */
public record NatsSettings(
        @Setting(value = "The servers to begin with, such as nats://nats.example.org:4222", required = true) @Nullable
        List<String> servers,

        @Setting(value = "The subject, a template", byDefault = "events.{{subject}}") @Nullable
        String subject,

        @Setting(
                value = "Whether a stream must have taken an event; otherwise it is enough that the server has it,"
                        + " which hands it to whoever listens just now",
                byDefault = "true")
        @Nullable
        Boolean jetstream,

        @Setting("The stream that must be the one to take it") @Nullable
        String stream,

        @Setting("A file with a user's JWT and seed (.creds)") @Nullable
        String credentials,

        @Setting("Who logs in, instead") @Nullable String username,

        @Setting(value = "The password of that user", secret = true) @Nullable
        String password,

        @Setting(value = "A token to log in with, instead", secret = true) @Nullable
        String token,

        @Setting("The SSL bundle with the certificates to trust and to show") @Nullable
        String sslBundle,

        @Setting(value = "How long to try to reach a server, at most 1m", byDefault = "5s") @Nullable
        Duration connectTimeout) {

    /** Refuses what no server can be reached by. */
    public NatsSettings {
        if (servers == null || servers.isEmpty()) {
            throw new IllegalArgumentException(
                    "servers: is missing; it is one or more servers, such as nats://nats.example.org:4222");
        }
        servers = List.copyOf(servers);
        for (String server : servers) {
            // A name and a password in a URL would be shown with it.
            if (!server.matches("(?:(?:nats|tls|ws|wss)://)?[^\\s/@]+/?")) {
                throw new IllegalArgumentException("servers: must be like nats://nats.example.org:4222, with no user"
                        + " name or password, which have settings of their own");
            }
        }
        subject = subject == null ? "events.{{subject}}" : subject.strip();
        var _ = Template.of("subject", subject);
        if (!subject.contains("{{") && !isSubject(subject)) {
            throw new IllegalArgumentException("subject: must be a subject without wildcards, is '" + subject + "'");
        }
        jetstream = jetstream == null ? Boolean.TRUE : jetstream;
        if (stream != null && !jetstream) {
            throw new IllegalArgumentException("stream: is only for jetstream: true");
        }
        if (credentials != null && !Files.isReadable(Path.of(credentials))) {
            throw new IllegalArgumentException("credentials: must be a file that can be read, is " + credentials);
        }
        if ((username == null) != (password == null)) {
            throw new IllegalArgumentException(
                    (username == null ? "username" : "password") + ": is missing; username and password go together");
        }
        if ((credentials == null ? 0 : 1) + (username == null ? 0 : 1) + (token == null ? 0 : 1) > 1) {
            throw new IllegalArgumentException("credentials: must not be set together with username or token");
        }
        connectTimeout = connectTimeout == null ? Duration.ofSeconds(5) : connectTimeout;
        if (connectTimeout.compareTo(Duration.ofMillis(1)) < 0 || connectTimeout.compareTo(Duration.ofMinutes(1)) > 0) {
            throw new IllegalArgumentException("connect-timeout: must be between 1ms and 1m");
        }
    }

    /** Whether events can be published to it: tokens of printable ASCII between dots, and no wildcard. */
    static boolean isSubject(String text) {
        return text.matches("[!-)+-\\-/-=?-~]+(?:\\.[!-)+-\\-/-=?-~]+)*");
    }

    /** Whether all events go to one subject. */
    boolean hasOneSubject() {
        return subject != null && !subject.contains("{{");
    }

    /** Without the password and the token. */
    @Override
    public String toString() {
        return "NatsSettings[servers=" + servers + ", subject=" + subject + ", jetstream=" + jetstream + ", stream="
                + stream + ", username=" + username + "]";
    }
}
