package dev.saf.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.channel.ChannelType;
import dev.saf.channel.ChannelType.Described;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The tables of docs/channels.md are what the types of channels say of themselves. Started with
 * {@code -Dchannels=write}, this writes them.
 */
class ChannelTypesTest {

    private static final Path PAGE = Path.of("..", "docs", "channels.md");
    private static final List<ChannelType> TYPES = ChannelType.all();

    @Test
    void tellsWhatTheTypesSayOfThemselves() throws IOException {
        String page = Files.readString(PAGE);
        String wanted = page;
        for (ChannelType type : TYPES) {
            wanted = withTable(wanted, "## `" + type.name() + "`", settings(type));
        }
        wanted = withTable(wanted, "# Channels", overview());
        if ("write".equals(System.getProperty("channels"))) {
            Files.writeString(PAGE, wanted);
        } else {
            assertThat(page)
                    .as("docs/channels.md; `mvn -pl local -am test -Dtest=ChannelTypesTest"
                            + " -Dsurefire.failIfNoSpecifiedTests=false -Dchannels=write` mends it")
                    .isEqualTo(wanted);
        }
        assertThat(Pattern.compile("(?m)^## `(.*)`$").matcher(page).results().map(each -> each.group(1)))
                .containsExactlyElementsOf(TYPES.stream().map(ChannelType::name).toList());
    }

    /** The page with another table in one section, at its end if it has none. */
    private static String withTable(String page, String heading, String table) {
        int begin = page.indexOf(heading + "\n");
        if (begin < 0) {
            return page + "\n" + heading + "\n\n" + table;
        }
        int next = page.indexOf("\n## ", begin + 1);
        String section = page.substring(begin, next < 0 ? page.length() : next);
        String prose = section.replaceAll("(?m)^\\|.*\\n", "").stripTrailing();
        return page.substring(0, begin) + prose + "\n\n" + table + (next < 0 ? "" : page.substring(next));
    }

    private static String overview() {
        return TYPES.stream()
                .map(type -> "| [`%s`](#%s) | %s |\n".formatted(type.name(), type.name(), type.description()))
                .collect(Collectors.joining("", "| type | delivers to |\n| --- | --- |\n", ""));
    }

    private static String settings(ChannelType type) {
        return type.settings().stream()
                .map(setting -> "| `%s` | %s | %s |\n".formatted(setting.name(), holds(setting), says(setting)))
                .collect(Collectors.joining("", "| setting | default | |\n| --- | --- | --- |\n", ""));
    }

    private static String holds(Described setting) {
        String holds = setting.required()
                ? "required"
                : setting.byDefault().isEmpty() ? "none" : "`" + setting.byDefault() + "`";
        return setting.secret() ? holds + ", secret" : holds;
    }

    private static String says(Described setting) {
        String choices =
                setting.choices().stream().map(each -> "`" + each + "`").collect(Collectors.joining(", "));
        return Stream.of(setting.description(), choices)
                .filter(each -> !each.isEmpty())
                .collect(Collectors.joining(": "));
    }
}
