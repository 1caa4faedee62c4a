package dev.saf.channel.jdbc;

import dev.saf.channel.Setting;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Which statement is run for each event, and where.
 *
 * @param url the database as JDBC names it, {@code jdbc:postgresql://db.example.org/shop} or
 *     {@code jdbc:mariadb://db.example.org/shop}, with whatever the driver is to be told, such as TLS. Required
 * @param username who logs in. Default: nobody, or as the URL says
 * @param password the password of that user
 * @param statement one statement, which is committed by itself, with named parameters: {@code :id}, {@code :source},
 *     {@code :subject}, {@code :type}, {@code :time}, {@code :datacontenttype}, {@code :traceparent}, any further
 *     attribute by its name; {@code :payload} as text, {@code :bytes} as it was sent, {@code :payload.order.total} for
 *     a part of it. What an event does not have is NULL. An event may come twice: let its source and id be a key, and
 *     the statement one that takes no offence ({@code ON CONFLICT DO NOTHING}, {@code ON DUPLICATE KEY UPDATE}).
 *     Required
 * @param duplicateIsDelivered whether an event counts as delivered if the database says that its key is there. Only for
 *     a table with no other unique key. Default: false, which makes it a rejected event
 * @param maxConnections the most connections at once. Default: 8
 * @param connectTimeout how long to wait for a connection, at most a minute. Default: 5s
 */
public record JdbcSettings(
        @Setting(
                value = "The database as JDBC names it, such as jdbc:postgresql://db.example.org/shop",
                required = true,
                secret = true)
        @Nullable
        String url,

        @Setting("Who logs in") @Nullable String username,

        @Setting(value = "The password of that user", secret = true) @Nullable
        String password,

        @Setting(
                value = "One statement of SQL with named parameters, such as insert into orders (source, id, body)"
                        + " values (:source, :id, :payload) on conflict do nothing",
                required = true)
        @Nullable
        String statement,

        @Setting(
                value = "Whether an event whose key is there counts as delivered; only for a table with no other"
                        + " unique key",
                byDefault = "false")
        @Nullable
        Boolean duplicateIsDelivered,

        @Setting(value = "The most connections at once", byDefault = "8") @Nullable
        Integer maxConnections,

        @Setting(value = "How long to wait for a connection, at most 1m", byDefault = "5s") @Nullable
        Duration connectTimeout) {

    /** Refuses what no statement can be run by. */
    public JdbcSettings {
        if (url == null || !url.strip().startsWith("jdbc:")) {
            throw new IllegalArgumentException("url: must be a database as JDBC names it, such as"
                    + " jdbc:postgresql://db.example.org/shop or jdbc:mariadb://db.example.org/shop");
        }
        url = url.strip();
        if (password != null && username == null) {
            throw new IllegalArgumentException("username: is missing; a password needs one");
        }
        if (statement == null || statement.isBlank()) {
            throw new IllegalArgumentException("statement: is missing; it is a statement of SQL, such as insert into"
                    + " orders (source, id, body) values (:source, :id, :payload) on conflict do nothing");
        }
        if (NamedParameters.of(statement).names().isEmpty()) {
            throw new IllegalArgumentException(
                    "statement: must have named parameters, such as :id, or all events would be alike");
        }
        duplicateIsDelivered = duplicateIsDelivered == null ? Boolean.FALSE : duplicateIsDelivered;
        maxConnections = maxConnections == null ? 8 : maxConnections;
        if (maxConnections < 1 || maxConnections > 1_000) {
            throw new IllegalArgumentException("max-connections: must be between 1 and 1000, is " + maxConnections);
        }
        connectTimeout = connectTimeout == null ? Duration.ofSeconds(5) : connectTimeout;
        if (connectTimeout.compareTo(Duration.ofMillis(250)) < 0
                || connectTimeout.compareTo(Duration.ofMinutes(1)) > 0) {
            throw new IllegalArgumentException("connect-timeout: must be between 250ms and 1m");
        }
    }

    /** Without the URL and the password, which may be secrets. */
    @Override
    public String toString() {
        return "JdbcSettings[username=" + username + ", statement=" + statement + "]";
    }
}
