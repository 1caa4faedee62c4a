package dev.saf.channel.jdbc;

import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTransientConnectionException;
import java.util.Set;

/** What a database's refusal says about whom, by its class (SQLSTATE, ISO 9075). */
enum SqlState {
    /** A row with this key is there. */
    DUPLICATE,
    /** This event can never be taken: data errors, broken constraints. */
    EVENT,
    /** Another event, or this one at another time, may be taken: deadlocks, cancelled statements, triggers. */
    STATEMENT,
    /** The database takes nothing now, whatever the event. */
    DATABASE;

    private static final String POSTGRESQL_DUPLICATE = "23505";
    private static final int MARIADB_DUPLICATE = 1062;
    private static final String POSTGRESQL_CANCELLED = "57014";

    /** Data exceptions, broken constraints, and views' check options. */
    private static final Set<String> ABOUT_THE_EVENT = Set.of("22", "23", "44");

    /**
     * No connection, no feature, no log-in, no transaction that writes, wrong statement or no permission, no resources,
     * shutting down, broken inside.
     */
    private static final Set<String> ABOUT_THE_DATABASE =
            Set.of("08", "0A", "25", "28", "3D", "3F", "42", "53", "55", "57", "58", "F0", "XX");

    static SqlState of(SQLException e) {
        String state = e.getSQLState() == null ? "" : e.getSQLState();
        String group = state.length() < 2 ? "" : state.substring(0, 2);
        if (state.equals(POSTGRESQL_DUPLICATE) || (group.equals("23") && e.getErrorCode() == MARIADB_DUPLICATE)) {
            return DUPLICATE;
        }
        if (ABOUT_THE_EVENT.contains(group)) {
            return EVENT;
        }
        boolean isConnection = e instanceof SQLTransientConnectionException
                || e instanceof SQLNonTransientConnectionException
                || e instanceof SQLRecoverableException;
        return isConnection || (ABOUT_THE_DATABASE.contains(group) && !state.equals(POSTGRESQL_CANCELLED))
                ? DATABASE
                : STATEMENT;
    }
}
