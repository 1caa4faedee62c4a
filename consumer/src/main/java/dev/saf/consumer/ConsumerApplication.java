package dev.saf.consumer;

import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** Sees each event through to its channel. */
public final class ConsumerApplication {

    private ConsumerApplication() {}

    public static void main(String[] args) {
        start(args);
    }

    /** Starts the service; it delivers as soon as NATS is there, which may be later. */
    public static ConfigurableApplicationContext start(String... args) {
        return new SpringApplicationBuilder(ConsumerConfiguration.class)
                .properties("spring.config.name=consumer,saf")
                .build()
                .run(args);
    }
}
