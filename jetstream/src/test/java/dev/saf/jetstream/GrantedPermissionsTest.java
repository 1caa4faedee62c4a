package dev.saf.jetstream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.jetstream.GrantedPermissions.Rules;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GrantedPermissionsTest {

    @ParameterizedTest
    @CsvSource({
        "a.b,       a.b,        true",
        "a.b,       a.c,        false",
        "a.b,       a.b.c,      false",
        "a.b.c,     a.b,        false",
        ">,         a.*.>,      true",
        "a.>,       a,          false",
        "a.>,       a.b.c,      true",
        "a.>,       a.>,        true",
        "a.*,       a.>,        false",
        "a.*,       a.*,        true",
        "a.*.c,     a.b.c,      true",
        "a.*.>,     a.b.>,      true",
        "a.b.>,     a.*.>,      false",
        "a.> saf-x, a.b saf-x,  true",
        "a.> saf-*, a.b saf-x,  false",
        "a.> *,     a.b saf-x,  true",
        "a.> saf-y, a.b saf-x,  false",
        "a.> saf-x, a.b,        false",
        "a.>,       a.b saf-x,  true",
    })
    void includeWhatOneOfTheAllowedCovers(String allowed, String needed, boolean included) {
        assertThat(new Rules(List.of("other", allowed), List.of()).include(needed))
                .isEqualTo(included);
    }

    @ParameterizedTest
    @CsvSource({
        "a.b,       a.b,       false",
        "a.b,       a.>,       false",
        "a.*,       *.b,       false",
        "a.>,       a.b.c,     false",
        "a.b,       a.c,       true",
        "a.b,       a.b.c,     true",
        "a.b.>,     a.b,       true",
        "a.> saf-y, a.b saf-x, true",
        "a.> saf-x, a.b saf-x, false",
        "a.> saf-x, a.b,       true",
    })
    void doNotIncludeWhatHasAnythingInCommonWithTheDenied(String denied, String needed, boolean included) {
        assertThat(new Rules(List.of(), List.of("other", denied)).include(needed))
                .isEqualTo(included);
        assertThat(new Rules(List.of(">"), List.of(denied)).include(needed)).isEqualTo(included);
    }

    @Test
    void areReadFromTheServersAnswer() throws IOException {
        GrantedPermissions granted = read("""
            {"server":{"name":"s"},"data":{"user":"saf","account":"A","permissions":{
              "publish":{"allow":["x.\\u003e"],"deny":["x.y"]},"subscribe":{"allow":["q"]}}}}\
            """);
        assertThat(granted.user()).isEqualTo("saf");
        assertThat(granted.publish()).isEqualTo(new Rules(List.of("x.>"), List.of("x.y")));
        assertThat(granted.subscribe()).isEqualTo(new Rules(List.of("q"), List.of()));
    }

    @Test
    void areAllThereAreIfTheServerNamesNone() throws IOException {
        GrantedPermissions granted = read("{\"server\":{},\"data\":{\"account\":\"$G\"}}");
        assertThat(granted.user()).isEmpty();
        assertThat(granted.publish().include("$JS.API.>")).isTrue();
        assertThat(granted.subscribe().include(">")).isTrue();
    }

    private static GrantedPermissions read(String answer) throws IOException {
        return GrantedPermissions.read(answer.getBytes(UTF_8));
    }
}
