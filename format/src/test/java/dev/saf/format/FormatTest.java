package dev.saf.format;

import static org.assertj.core.api.Assertions.assertThat;

import com.palantir.javaformat.java.Formatter;
import com.palantir.javaformat.java.FormatterException;
import com.palantir.javaformat.java.JavaFormatterOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Every source file is as palantir-java-format leaves it. A test rather than a Maven plugin, because the formatter
 * parses with the compiler of the JVM it runs in: Maven may run on an older JDK, tests run on the JDK of the toolchain.
 */
class FormatTest {

    private final Formatter formatter = Formatter.createFormatter(JavaFormatterOptions.builder()
            .style(JavaFormatterOptions.Style.PALANTIR)
            .formatJavadoc(true)
            .build());

    @Test
    void everySourceFileIsFormatted() throws IOException {
        List<Path> unformatted;
        try (var files = Files.walk(Path.of("..").toRealPath())) {
            unformatted = files.filter(file -> file.toString().endsWith(".java"))
                    .filter(file -> !file.toString().contains("/target/"))
                    .filter(this::differs)
                    .toList();
        }
        assertThat(unformatted).as("not formatted; `just format` does it").isEmpty();
    }

    private boolean differs(Path file) {
        try {
            String source = Files.readString(file);
            String formatted = formatter.formatSourceAndFixImports(source);
            if (formatted.equals(source)) {
                return false;
            }
            if ("apply".equals(System.getProperty("format"))) {
                Files.writeString(file, formatted);
                return false;
            }
            return true;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (FormatterException e) {
            throw new IllegalStateException(file + ": " + e.getMessage(), e);
        }
    }
}
