package dev.saf.producer;

import dev.saf.jetstream.check.CheckRun;
import java.io.PrintStream;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** Accepts events over HTTP and stores them on the stream. */
public final class ProducerApplication {

    private static final String CONFIGURATION_FILES = "spring.config.name=producer,saf";

    private ProducerApplication() {}

    public static void main(String[] args) {
        if (CheckRun.isAsked(args)) {
            System.exit(check(System.out, args));
        }
        start(args);
    }

    /** Does what the arguments ask for instead of starting the service, and returns the exit code. */
    static int check(PrintStream out, String... args) {
        return CheckRun.run(
                new SpringApplicationBuilder(ProducerCheck.class).properties(CONFIGURATION_FILES), out, args);
    }

    /** Starts the service; it listens when this returns, whether NATS is there yet or not. */
    public static ConfigurableApplicationContext start(String... args) {
        SpringApplication application = new SpringApplicationBuilder(ProducerConfiguration.class)
                .properties(CONFIGURATION_FILES)
                .build();
        return application.run(args);
    }
}
