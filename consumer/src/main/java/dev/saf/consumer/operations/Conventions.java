package dev.saf.consumer.operations;

import java.time.Instant;
import java.time.OffsetDateTime;
import org.springframework.core.convert.converter.Converter;
import org.springframework.format.FormatterRegistry;
import org.springframework.http.MediaType;
import org.springframework.web.servlet.config.annotation.ContentNegotiationConfigurer;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** What all operations have in common. */
final class Conventions implements WebMvcConfigurer {

    /** Not a lambda, whose types Spring could not see. */
    private static final class Rfc3339 implements Converter<String, Instant> {

        @Override
        public Instant convert(String text) {
            return OffsetDateTime.parse(text).toInstant();
        }
    }

    /** JSON it is, whatever a client would like to have. */
    @Override
    public void configureContentNegotiation(ContentNegotiationConfigurer configurer) {
        configurer.ignoreAcceptHeader(true).defaultContentType(MediaType.APPLICATION_JSON);
    }

    @Override
    public void addFormatters(FormatterRegistry registry) {
        registry.addConverter(new Rfc3339());
    }

    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(new KnownParameters());
    }
}
