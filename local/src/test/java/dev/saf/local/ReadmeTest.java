package dev.saf.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.jetstream.check.Area;
import dev.saf.settings.Settings;
import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the prose says of the code is so. */
class ReadmeTest {

    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Pattern FENCED = Pattern.compile("(?ms)^```(\\w*)\\n(.*?)^```$");
    private static final Pattern SETTING = Pattern.compile("(?m)^\\| `(saf\\.[^`]+)` \\| ([^|]+) \\|");
    private static final Pattern METER_ROW = Pattern.compile("(?m)^\\| `(saf\\.[a-z.]+)` \\| [^|]*\\| [A-Z0-9]");
    private static final Pattern METER =
            Pattern.compile("\"(saf\\.(?:advisories|(?:producer|channel|nats|stream)\\.[a-z]+(?:\\.[a-z]+)*))\"[,)]");
    private static final Pattern EXIT_CODE = Pattern.compile("(?m)^\\| `(\\d+)` \\| [A-Z]");
    private static final Pattern TEST = Pattern.compile("`(\\w+(?:Test|IT))(?:\\.(\\w+))?`");
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#:]+)\\)");

    @Test
    void beginsWithTheTwoCommands() throws IOException {
        assertThat(blocks("README.md", "").limit(2)).containsExactly("mvn spring-boot:run\n", "mvn verify\n");
    }

    @Test
    void listsEverySettingWithItsDefault() throws Exception {
        Map<String, String> real = new TreeMap<>();
        for (Map.Entry<String, String> settings : Map.of(
                        "saf.check", "dev.saf.jetstream.check.CheckSettings",
                        "saf.nats", "dev.saf.jetstream.NatsSettings",
                        "saf.streams", "dev.saf.jetstream.StreamsSettings",
                        "saf.producer", "dev.saf.producer.ProducerSettings",
                        "saf.channels.<name>", "dev.saf.consumer.delivery.ChannelSettings",
                        "saf.api", "dev.saf.consumer.operations.ApiSettings",
                        "saf.upkeep", "dev.saf.consumer.upkeep.UpkeepSettings",
                        "saf.local", "dev.saf.local.LocalSettings")
                .entrySet()) {
            Class<?> type = Class.forName(settings.getValue());
            real.putAll(Settings.describe(settings.getKey(), type.asSubclass(Record.class)));
        }
        Class<?> intake = Class.forName("dev.saf.consumer.delivery.Intake");
        real.putAll(Settings.describe("saf.channels.<name>", intake.asSubclass(Record.class)));
        // A default that the annotation does not give is said in words.
        Map<String, String> told = new TreeMap<>();
        rows().forEach((name, value) ->
                told.put(name, value.matches("`[^`]*`") ? value.substring(1, value.length() - 1) : ""));
        assertThat(told).isEqualTo(real);
    }

    /** What stands in the tables, one entry for each of the streams. */
    private static Map<String, String> rows() throws IOException {
        Map<String, String> rows = new LinkedHashMap<>();
        for (MatchResult row : matches(SETTING, section("## Configuration", "### Each service alone"))) {
            String[] values = row.group(2).strip().split(" / ", -1);
            boolean two = values.length == 2 && values[0].startsWith("`");
            if (row.group(1).contains("<stream>")) {
                rows.put(
                        row.group(1).replace("<stream>", "events"),
                        two ? values[0] : row.group(2).strip());
                rows.put(
                        row.group(1).replace("<stream>", "dead-letters"),
                        two ? values[1] : row.group(2).strip());
            } else {
                rows.put(row.group(1), row.group(2).strip());
            }
        }
        return rows;
    }

    @Test
    void listsEveryExitCodeOfACheck() throws IOException {
        assertThat(matches(EXIT_CODE, section("### Checked instead of run", "### The one command")))
                .extracting(row -> Integer.parseInt(row.group(1)))
                .containsExactlyElementsOf(
                        Stream.concat(Stream.of(0), Arrays.stream(Area.values()).map(Area::exitCode))
                                .toList());
    }

    @Test
    void listsEveryMeter() throws IOException {
        List<String> told = matches(METER_ROW, section("## Observability", "## What happens")).stream()
                .map(row -> row.group(1))
                .toList();
        List<String> real = new ArrayList<>();
        for (String module : List.of("producer", "consumer", "jetstream")) {
            for (Path source : sources(ROOT.resolve(module).resolve("src/main"))) {
                matches(METER, Files.readString(source)).forEach(meter -> real.add(meter.group(1)));
            }
        }
        // A property is written like a meter.
        real.remove("saf.nats.servers");
        assertThat(told)
                .doesNotHaveDuplicates()
                .containsExactlyInAnyOrderElementsOf(real.stream().distinct().toList());
    }

    @Test
    void namesTestsThatExist() throws IOException {
        Map<String, String> tests = new TreeMap<>();
        for (Path source : sources(ROOT)) {
            // Two modules may have a test of the same name.
            tests.merge(source.getFileName().toString().replace(".java", ""), Files.readString(source), String::concat);
        }
        List<Path> documents = documents("docs/operations");
        for (String document :
                List.of("README.md", "SECURITY.md", "CONTRIBUTING.md", "docs/examples/failing-webhook.md")) {
            documents.add(ROOT.resolve(document));
        }
        for (Path document : documents) {
            for (MatchResult named : matches(TEST, Files.readString(document))) {
                if (named.group(1).matches("Foo.*|Spool.*")) {
                    continue;
                }
                assertThat(tests).containsKey(named.group(1));
                if (named.group(2) != null) {
                    assertThat(tests.get(named.group(1))).as(named.group(1)).contains("void " + named.group(2) + "(");
                }
            }
        }
    }

    @Test
    void linksToWhatIsThere() throws IOException {
        List<Path> documents = documents("", "docs", "docs/decisions", "docs/examples", "docs/operations");
        assertThat(documents).hasSizeGreaterThan(10);
        for (Path document : documents) {
            for (MatchResult link : matches(LINK, Files.readString(document))) {
                assertThat(document.resolveSibling(link.group(1)))
                        .as(document.toString())
                        .exists();
            }
        }
    }

    @Test
    void showsAChannelThatCompiles(@TempDir Path classes) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        List<Source> sources =
                blocks("CONTRIBUTING.md", "java").map(Source::new).toList();
        assertThat(sources).hasSize(3);
        StringWriter problems = new StringWriter();
        assertThat(compiler.getTask(
                                problems,
                                null,
                                null,
                                List.of("-cp", System.getProperty("java.class.path"), "-d", classes.toString()),
                                null,
                                sources)
                        .call())
                .as(problems.toString())
                .isTrue();
    }

    /** A whole source file, named by the type it declares. */
    private static final class Source extends SimpleJavaFileObject {

        private static final Pattern TYPE = Pattern.compile("(?:class|record|interface) (\\w+)");

        private final String text;

        Source(String text) {
            super(URI.create("string:///" + matches(TYPE, text).getFirst().group(1) + ".java"), Kind.SOURCE);
            this.text = text;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }

    private static Stream<String> blocks(String document, String language) throws IOException {
        return matches(FENCED, Files.readString(ROOT.resolve(document))).stream()
                .filter(block -> language.isEmpty() || block.group(1).equals(language))
                .map(block -> block.group(2));
    }

    private static String section(String from, String to) throws IOException {
        String readme = Files.readString(ROOT.resolve("README.md"));
        return readme.substring(readme.indexOf(from), readme.indexOf(to));
    }

    private static List<Path> documents(String... folders) throws IOException {
        List<Path> documents = new ArrayList<>();
        for (String folder : folders) {
            try (var files = Files.list(ROOT.resolve(folder))) {
                documents.addAll(
                        files.filter(file -> file.toString().endsWith(".md")).toList());
            }
        }
        return documents;
    }

    private static List<Path> sources(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .filter(file -> !file.toString().contains("/target/"))
                    .toList();
        }
    }

    private static List<MatchResult> matches(Pattern pattern, String text) {
        return pattern.matcher(text).results().toList();
    }
}
