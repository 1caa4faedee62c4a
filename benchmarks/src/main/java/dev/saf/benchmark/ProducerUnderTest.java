package dev.saf.benchmark;

import dev.saf.producer.ProducerApplication;
import io.micrometer.observation.ObservationPredicate;
import java.io.IOException;
import java.util.Arrays;
import java.util.stream.Stream;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpStatus;
import org.springframework.http.server.observation.ServerRequestObservationContext;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** The producer with a plain controller beside it, which reads the same request and answers 202 at once. */
@Configuration(proxyBeanMethods = false)
class ProducerUnderTest {

    static final String STATIC = "/static";

    /** The same without metrics and tracing. */
    static final String UNOBSERVED = "/static/unobserved";

    public static void main(String[] args) throws IOException {
        var context = ProducerApplication.start(Stream.concat(
                        Stream.of("--spring.main.sources=" + ProducerUnderTest.class.getName()), Arrays.stream(args))
                .toArray(String[]::new));
        Parent.serve(context.getEnvironment().getRequiredProperty("local.server.port"), question -> question);
    }

    @Bean
    ObservationPredicate withoutUnobserved() {
        return (_, context) -> !(context instanceof ServerRequestObservationContext request
                && request.getCarrier() != null
                && request.getCarrier().getRequestURI().equals(UNOBSERVED));
    }

    /** What every Spring user would write. */
    @RestController
    static class StaticController {

        @PostMapping({STATIC, UNOBSERVED})
        @ResponseStatus(HttpStatus.ACCEPTED)
        void accept(@RequestBody byte[] body) {}
    }
}
