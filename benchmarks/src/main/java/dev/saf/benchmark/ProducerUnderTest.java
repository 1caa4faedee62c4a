package dev.saf.benchmark;

import dev.saf.producer.ProducerApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** The producer with a plain controller beside it, which reads the same request and answers 202 at once. */
@Configuration(proxyBeanMethods = false)
class ProducerUnderTest {

    public static void main(String[] args) {
        ConfigurableApplicationContext context = ProducerApplication.start(java.util.stream.Stream.concat(
                        java.util.stream.Stream.of("--spring.main.sources=" + ProducerUnderTest.class.getName()),
                        java.util.Arrays.stream(args))
                .toArray(String[]::new));
        System.out.println("listening on " + context.getEnvironment().getProperty("local.server.port"));
    }

    /** What every Spring user would write. */
    @RestController
    static class StaticController {

        @PostMapping("/static")
        @ResponseStatus(HttpStatus.ACCEPTED)
        void accept(@RequestBody byte[] body) {}
    }
}
