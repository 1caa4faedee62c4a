package dev.saf.channel.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SqlStateTest {

    @ParameterizedTest
    @CsvSource({
        "23505, 0, DUPLICATE",
        "23000, 1062, DUPLICATE",
        "22001, 0, EVENT",
        "22P02, 0, EVENT",
        "23502, 0, EVENT",
        "23503, 0, EVENT",
        "23514, 0, EVENT",
        "23000, 1048, EVENT",
        "44000, 0, EVENT",
        "40001, 1213, STATEMENT",
        "40P01, 0, STATEMENT",
        "57014, 0, STATEMENT",
        "P0001, 0, STATEMENT",
        "HY000, 1205, STATEMENT",
        "08006, 0, DATABASE",
        "25006, 0, DATABASE",
        "28P01, 0, DATABASE",
        "42P01, 0, DATABASE",
        "42501, 0, DATABASE",
        "53300, 0, DATABASE",
        "57P01, 0, DATABASE",
        "57P03, 0, DATABASE"
    })
    void knowsWhatIsMeant(String state, int code, SqlState meaning) {
        assertThat(SqlState.of(new SQLException("no", state, code))).isEqualTo(meaning);
    }

    @Test
    void knowsAPoolWithoutConnections() {
        assertThat(SqlState.of(new SQLTransientConnectionException("none"))).isEqualTo(SqlState.DATABASE);
        assertThat(SqlState.of(new SQLException("no state"))).isEqualTo(SqlState.STATEMENT);
    }
}
