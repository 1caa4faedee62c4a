package dev.saf.consumer.operations;

import dev.saf.consumer.operations.Problem.Kind;
import io.nats.client.JetStreamApiException;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.TypeMismatchException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.validation.BindException;
import org.springframework.validation.FieldError;
import org.springframework.web.HttpMediaTypeNotAcceptableException;
import org.springframework.web.HttpMediaTypeNotSupportedException;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.MissingServletRequestParameterException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.method.annotation.MethodArgumentTypeMismatchException;
import org.springframework.web.servlet.NoHandlerFoundException;
import org.springframework.web.util.DisconnectedClientHelper;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;

/** Makes a problem of whatever goes wrong. */
@RestControllerAdvice
final class Problems {

    private static final Logger log = LoggerFactory.getLogger(Problems.class);

    @ExceptionHandler
    ResponseEntity<Problem> refused(RefusedException e) {
        return answer(e.problem());
    }

    @ExceptionHandler({NoHandlerFoundException.class, HttpMediaTypeNotAcceptableException.class})
    ResponseEntity<Problem> nothing() {
        return answer(Problem.of(Kind.NOT_FOUND, "GET " + OperationsConfiguration.DOCUMENT + " tells what there is."));
    }

    @ExceptionHandler
    ResponseEntity<Problem> method(HttpRequestMethodNotSupportedException e) {
        return ResponseEntity.status(Kind.METHOD.status)
                .headers(e.getHeaders())
                .contentType(MediaType.parseMediaType(Problem.CONTENT_TYPE))
                .body(Problem.of(Kind.METHOD, "Allowed here: " + e.getHeaders().getFirst(HttpHeaders.ALLOW) + "."));
    }

    @ExceptionHandler(HttpMediaTypeNotSupportedException.class)
    ResponseEntity<Problem> mediaType() {
        return answer(Problem.of(Kind.MEDIA_TYPE, "Send the body as Content-Type: application/json, in UTF-8."));
    }

    @ExceptionHandler
    ResponseEntity<Problem> parameters(BindException e) {
        return answer(Problem.invalid(e.getFieldErrors().stream()
                .map(error -> new Violation(error.getField(), mismatch(error)))
                .toList()));
    }

    @ExceptionHandler
    ResponseEntity<Problem> parameter(MethodArgumentTypeMismatchException e) {
        return answer(Problem.invalid(List.of(new Violation(e.getName(), expected(e.getRequiredType())))));
    }

    @ExceptionHandler
    ResponseEntity<Problem> parameter(MissingServletRequestParameterException e) {
        return answer(Problem.invalid(List.of(new Violation(e.getParameterName(), "is missing"))));
    }

    @ExceptionHandler
    ResponseEntity<Problem> body(HttpMessageNotReadableException e) {
        return answer(Problem.invalid(List.of(
                e.getCause() instanceof JacksonException json
                        ? violation(json)
                        : new Violation("", "is missing, and must be a JSON object"))));
    }

    /** Null if nobody is there to read an answer. */
    @ExceptionHandler({IOException.class, JetStreamApiException.class})
    @Nullable
    ResponseEntity<Problem> unavailable(Exception e, HttpServletRequest request) {
        if (DisconnectedClientHelper.isClientDisconnectedException(e)) {
            log.debug("{} {}: the client is gone before its answer", request.getMethod(), request.getRequestURI());
            return null;
        }
        log.warn("{} {}: {}", request.getMethod(), request.getRequestURI(), e.getMessage());
        return ResponseEntity.status(Kind.UNAVAILABLE.status)
                .header(HttpHeaders.RETRY_AFTER, "1")
                .contentType(MediaType.parseMediaType(Problem.CONTENT_TYPE))
                .body(Problem.of(
                        Kind.UNAVAILABLE,
                        request.getMethod().equals("GET")
                                ? "NATS is away, or did not answer in time; try again."
                                : "NATS is away, or did not answer in time. It may have happened or not: look before"
                                        + " you try again."));
    }

    @ExceptionHandler(Exception.class)
    ResponseEntity<Problem> unforeseen(Exception e) {
        log.error("unforeseen failure", e);
        return answer(Problem.of(Kind.INTERNAL, "The log of the service tells more."));
    }

    private static ResponseEntity<Problem> answer(Problem problem) {
        return ResponseEntity.status(problem.status())
                .contentType(MediaType.parseMediaType(Problem.CONTENT_TYPE))
                .body(problem);
    }

    private static String mismatch(FieldError error) {
        return error.contains(TypeMismatchException.class)
                ? expected(error.unwrap(TypeMismatchException.class).getRequiredType())
                : "is not as it must be";
    }

    /** A class of Jackson's says where it failed, and its message repeats what was there. */
    private static Violation violation(JacksonException e) {
        if (!(e instanceof DatabindException databind)) {
            return new Violation("", "is not valid JSON");
        }
        String field = databind.getPath().stream()
                .map(each -> each.getPropertyName() == null ? "[" + each.getIndex() + "]" : each.getPropertyName())
                .collect(Collectors.joining("."));
        if (databind instanceof UnrecognizedPropertyException unknown) {
            return new Violation(
                    field,
                    "is unknown; allowed are "
                            + unknown.getKnownPropertyIds().stream()
                                    .map(String::valueOf)
                                    .sorted()
                                    .collect(Collectors.joining(", ")));
        }
        return new Violation(
                field,
                databind instanceof MismatchedInputException mismatch
                        ? expected(mismatch.getTargetType())
                        : "is not as it must be");
    }

    private static String expected(@Nullable Class<?> type) {
        if (type == Instant.class) {
            return "must be a time as in RFC 3339, such as 2026-01-02T03:04:05Z";
        }
        if (type == Integer.class || type == Long.class || type == int.class || type == long.class) {
            return "must be a whole number";
        }
        if (type == Double.class || type == double.class) {
            return "must be a number";
        }
        if (type == Boolean.class || type == boolean.class) {
            return "must be true or false";
        }
        if (type == String.class) {
            return "must be a string";
        }
        return "is not as it must be";
    }
}
