package dev.saf.channel.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class NamedParametersTest {

    @Test
    void findsParameters() {
        assertThat(NamedParameters.of(
                        "insert into t values (:id, :payload.order.0.total, :time) -- and\nreturning :id"))
                .isEqualTo(new NamedParameters(
                        "insert into t values (?, ?, ?) -- and\nreturning ?",
                        List.of("id", "payload.order.0.total", "time", "id")));
    }

    @Test
    void leavesEverythingElse() {
        String sql =
                "select ':a', 'it''s :b', \":c\", `:d`, x::text, $$:e$$, $t$ :f $t$ -- :g\n /* :h\n */ from t[1:2]";
        assertThat(NamedParameters.of(sql + " where i = :id::uuid"))
                .isEqualTo(new NamedParameters(sql + " where i = ?::uuid", List.of("id")));
    }

    @Test
    void refusesQuestionMarks() {
        assertThatThrownBy(() -> NamedParameters.of("insert into t values (?, '?')"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("statement: ");
        assertThat(NamedParameters.of("insert into t values (:id, '?')").names())
                .containsExactly("id");
    }
}
