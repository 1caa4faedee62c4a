package dev.saf.producer;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** Accepts events over HTTP and stores them on the stream. */
public final class ProducerApplication {

    private ProducerApplication() {}

    public static void main(String[] args) {
        start(args);
    }

    /** Starts the service; it listens when this returns, whether NATS is there yet or not. */
    public static ConfigurableApplicationContext start(String... args) {
        SpringApplication application = new SpringApplicationBuilder(ProducerConfiguration.class)
                .properties("spring.config.name=producer,saf")
                .build();
        return application.run(args);
    }
}
