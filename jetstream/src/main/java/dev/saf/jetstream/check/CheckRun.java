package dev.saf.jetstream.check;

import dev.saf.settings.DurationText;
import dev.saf.settings.Settings;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * A service that is asked to check what it needs, or to show its configuration, instead of running. Opens no port, and
 * changes nothing anywhere.
 */
public final class CheckRun {

    private static final String CHECK = "--check";
    private static final String SHOW = "--show-configuration";

    private final PrintStream out;
    private final List<Finding> findings = new ArrayList<>();
    private boolean over;

    private CheckRun(PrintStream out) {
        this.out = out;
    }

    /** Whether the arguments of the command line ask for this. */
    public static boolean isAsked(String... arguments) {
        return Arrays.stream(arguments).anyMatch(argument -> argument.equals(CHECK) || argument.equals(SHOW));
    }

    /**
     * Reads the configuration as for a start, and does what the arguments ask for.
     *
     * @param service with the settings of the service, its {@link Check}s, and nothing else
     * @param out gets a line for each finding and each setting
     * @return the exit code: 0, or that of an {@link Area}
     */
    public static int run(SpringApplicationBuilder service, PrintStream out, String... arguments) {
        List<String> asked = Arrays.asList(arguments);
        try (ConfigurableApplicationContext context = read(service, arguments)) {
            if (context == null) {
                return Area.CONFIGURATION.exitCode();
            }
            if (asked.contains(SHOW)) {
                show(context, out);
            }
            return asked.contains(CHECK) ? new CheckRun(out).check(context) : 0;
        }
    }

    /** Null if there is something wrong, which Spring Boot has then said. */
    private static @Nullable ConfigurableApplicationContext read(
            SpringApplicationBuilder service, String... arguments) {
        try {
            return service.web(WebApplicationType.NONE)
                    .logStartupInfo(false)
                    .registerShutdownHook(false)
                    // What matters is said by the findings.
                    .properties("logging.level.root=error")
                    .run(Arrays.stream(arguments)
                            .filter(argument -> !isAsked(argument))
                            .toArray(String[]::new));
        } catch (RuntimeException e) {
            return null;
        }
    }

    private static void show(ConfigurableApplicationContext context, PrintStream out) {
        List<SecretSettings> secret =
                context.getBeanProvider(SecretSettings.class).stream().toList();
        context.getBean(Settings.class)
                .effective(name -> secret.stream().anyMatch(each -> each.include(name)))
                .forEach(each ->
                        out.println(Finding.oneLine(each.name() + " = " + each.value() + "   # " + each.origin())));
    }

    private int check(ConfigurableApplicationContext context) {
        Duration time = context.getBean(CheckSettings.class).timeout();
        found(Finding.ok(Area.CONFIGURATION, "every setting has a value that can be"));
        List<Check> checks =
                context.getBeanProvider(Check.class).orderedStream().toList();
        FutureTask<@Nullable Void> all = new FutureTask<>(() -> {
            for (Check check : checks) {
                check.run(this::found);
            }
            return null;
        });
        Thread.ofVirtual().name("check").start(all);
        try {
            all.get(time.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            all.cancel(true);
            found(Finding.fail(
                    Area.TIME,
                    "not everything could be looked at within %s; what has no line here may take longer, see saf.check.timeout"
                            .formatted(DurationText.of(time))));
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
        return end();
    }

    private synchronized void found(Finding finding) {
        if (!over) {
            findings.add(finding);
            out.println(finding.line());
        }
    }

    private synchronized int end() {
        over = true;
        List<Finding> failed = findings.stream()
                .filter(finding -> finding.verdict() == Finding.Verdict.FAIL)
                .toList();
        int exitCode = failed.stream()
                .mapToInt(finding -> finding.area().exitCode())
                .min()
                .orElse(0);
        out.println(
                failed.isEmpty()
                        ? "The check has found nothing wrong."
                        : "The check has found %d of %d things wrong, exit code %d."
                                .formatted(failed.size(), findings.size(), exitCode));
        return exitCode;
    }
}
