package dev.saf.channel.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.saf.channel.Channel;
import dev.saf.channel.RejectedEventException;
import dev.saf.event.Event;
import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Runs a statement for each event. It is delivered when that is committed.
 *
 * <p>An interrupted virtual thread loses its socket, which is how a delivery is given up.
 */
final class JdbcChannel implements Channel {

    private static final int MOST_CHARACTERS = 500;
    private static final int VALIDATION_SECONDS = 5;

    private final NamedParameters statement;
    private final boolean duplicateIsDelivered;
    private final HikariDataSource connections;

    JdbcChannel(String name, JdbcSettings settings) {
        this.statement = NamedParameters.of(String.valueOf(settings.statement()));
        this.duplicateIsDelivered = Boolean.TRUE.equals(settings.duplicateIsDelivered());
        String url = Objects.requireNonNull(settings.url());
        try {
            var _ = DriverManager.getDriver(url);
        } catch (SQLException e) {
            throw new IllegalArgumentException(
                    "url: must begin with jdbc:postgresql: or jdbc:mariadb:, there are no other drivers, and be whole");
        }
        this.connections = new HikariDataSource(pool(name, url, settings));
    }

    private static HikariConfig pool(String name, String url, JdbcSettings settings) {
        HikariConfig pool = new HikariConfig();
        pool.setPoolName("saf-" + name);
        pool.setJdbcUrl(url);
        pool.setUsername(settings.username());
        pool.setPassword(settings.password());
        pool.setMaximumPoolSize(Objects.requireNonNull(settings.maxConnections()));
        pool.setMinimumIdle(1);
        pool.setIdleTimeout(Duration.ofMinutes(1).toMillis());
        pool.setConnectionTimeout(
                Objects.requireNonNull(settings.connectTimeout()).toMillis());
        pool.setValidationTimeout(
                Objects.requireNonNull(settings.connectTimeout()).toMillis());
        // The database may come up later.
        pool.setInitializationFailTimeout(-1);
        return pool;
    }

    @Override
    public void deliver(Event event) throws Exception {
        try (Connection connection = connections.getConnection();
                PreparedStatement prepared = connection.prepareStatement(statement.sql())) {
            fill(prepared, new Values(event));
            prepared.execute();
        } catch (SQLException e) {
            SqlState state = SqlState.of(e);
            if (state != SqlState.DUPLICATE || !duplicateIsDelivered) {
                throw failure(state, e);
            }
        }
    }

    /** Connects and logs in; whether the statement is right, only an event could tell. */
    @Override
    public void check() throws IOException {
        try (Connection connection = connections.getConnection()) {
            var _ = connection.isValid(VALIDATION_SECONDS);
        } catch (SQLException e) {
            throw new IOException("cannot reach the database: " + text(e), e);
        }
    }

    private void fill(PreparedStatement prepared, Values values) throws SQLException, RejectedEventException {
        List<String> names = statement.names();
        for (int i = 0; i < names.size(); i++) {
            @Nullable Object value = values.get(names.get(i));
            prepared.setObject(i + 1, value);
        }
    }

    private static Exception failure(SqlState state, SQLException e) {
        String said = "the database said " + text(e);
        return switch (state) {
            case DUPLICATE, EVENT -> new RejectedEventException(said);
            case STATEMENT -> e;
            case DATABASE -> new IOException(said, e);
        };
    }

    /** Its words, and those behind them, since a pool says little itself. */
    private static String text(SQLException e) {
        StringBuilder text = new StringBuilder();
        if (e.getSQLState() != null) {
            text.append(e.getSQLState()).append(": ");
        }
        text.append(e.getMessage());
        Throwable cause = e.getCause();
        if (cause != null && cause.getMessage() != null && text.indexOf(cause.getMessage()) < 0) {
            text.append(": ").append(cause.getMessage());
        }
        String line = text.toString().replaceAll("[\\p{Cntrl}\\s]+", " ").strip();
        return line.length() > MOST_CHARACTERS ? line.substring(0, MOST_CHARACTERS) + "…" : line;
    }

    @Override
    public void close() {
        connections.close();
    }
}
