package dev.saf.event;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RulesTest {

    @ParameterizedTest
    @ValueSource(strings = {"a", "orders.placed", "A-1_b.c", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p"})
    void acceptsSubjects(String subject) {
        assertThat(Rules.subject(subject)).isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "*",
                ">",
                "a.*",
                "a.>",
                "a*b",
                ".a",
                "a.",
                "a..b",
                "a b",
                "a\tb",
                "a\r\nPUB evil 1",
                "$SYS.x",
                "é",
                "a\u202eb",
                "a\u0000",
                "../x",
                "a\\b",
                "%2e",
                "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q"
            })
    void refusesSubjects(String subject) {
        assertThat(Rules.subject(subject)).startsWith("must ");
    }

    @Test
    void countsASubjectsCharacters() {
        assertThat(Rules.subject("a".repeat(200))).isNull();
        assertThat(Rules.subject("a".repeat(201))).contains("at most 200");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "a b", " k ", "é", "__proto__", "${jndi:ldap://x}", "' OR 1=1", "a/b"})
    void acceptsIds(String id) {
        assertThat(Rules.id(id)).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a\r\nNats-Rollup: all", "a\u0000", "a\u007f", "a\u0085"})
    void refusesIds(String id) {
        assertThat(Rules.id(id)).startsWith("must ");
    }

    @Test
    void refusesHalvesOfSurrogatePairs() {
        assertThat(Rules.id("a\ud83d")).startsWith("must ");
        assertThat(Rules.id("\ude00a")).startsWith("must ");
        assertThat(Rules.id("\ud83d\ude00")).isNull();
    }

    @Test
    void countsAnIdsCharactersAsCodePoints() {
        assertThat(Rules.id("\ud83d\ude00".repeat(128))).isNull();
        assertThat(Rules.id("a".repeat(129))).contains("at most 128");
    }

    @ParameterizedTest
    @ValueSource(strings = {"shop", "shop.v2", "a_b-c"})
    void acceptsServices(String service) {
        assertThat(Rules.service(service)).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "a/b", "é", "a\n"})
    void refusesServices(String service) {
        assertThat(Rules.service(service)).startsWith("must ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"application/json", "text/plain;charset=utf-8", "a/b; c=\"d e\"", "application/vnd.x+json"})
    void acceptsContentTypes(String contentType) {
        assertThat(Rules.contentType(contentType)).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "json", "a/b;", "a/b; c", "a/b\r\nx: y", "é/b", "a/b; c=\"\r\n\""})
    void refusesContentTypes(String contentType) {
        assertThat(Rules.contentType(contentType)).startsWith("must ");
    }
}
