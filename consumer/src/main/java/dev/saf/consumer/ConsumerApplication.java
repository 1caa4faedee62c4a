package dev.saf.consumer;

import dev.saf.jetstream.check.CheckRun;
import java.io.PrintStream;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** Sees each event through to its channel. */
public final class ConsumerApplication {

    private static final String CONFIGURATION_FILES = "spring.config.name=consumer,saf";

    private ConsumerApplication() {}

    public static void main(String[] args) {
        if (CheckRun.isAsked(args)) {
            System.exit(check(System.out, args));
        }
        start(args);
    }

    /** Does what the arguments ask for instead of starting the service, and returns the exit code. */
    static int check(PrintStream out, String... args) {
        return CheckRun.run(
                new SpringApplicationBuilder(ConsumerCheck.class).properties(CONFIGURATION_FILES), out, args);
    }

    /** Starts the service; it delivers as soon as NATS is there, which may be later. */
    public static ConfigurableApplicationContext start(String... args) {
        return new SpringApplicationBuilder(ConsumerConfiguration.class)
                .properties(CONFIGURATION_FILES)
                .build()
                .run(args);
    }
}
