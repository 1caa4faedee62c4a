package dev.saf.consumer.operations;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.springframework.core.MethodParameter;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;

/**
 * Refuses parameters that an operation does not have: a filter that is misspelt would match everything. An operation's
 * parameters are those with {@link RequestParam}, and the components of records.
 */
final class KnownParameters implements HandlerInterceptor {

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        Map<String, String[]> given = request.getParameterMap();
        if (!given.isEmpty() && handler instanceof HandlerMethod method) {
            List<String> known = Arrays.stream(method.getMethodParameters())
                    .flatMap(KnownParameters::names)
                    .toList();
            List<Violation> violations = given.entrySet().stream()
                    .filter(each -> !known.contains(each.getKey()) || each.getValue().length > 1)
                    .map(each -> new Violation(
                            each.getKey(),
                            known.contains(each.getKey())
                                    ? "must not be given more than once"
                                    : known.isEmpty()
                                            ? "is unknown; no parameters are allowed here"
                                            : "is unknown; allowed are " + String.join(", ", known)))
                    .toList();
            if (!violations.isEmpty()) {
                throw RefusedException.invalid(violations);
            }
        }
        return true;
    }

    private static Stream<String> names(MethodParameter parameter) {
        RequestParam named = parameter.getParameterAnnotation(RequestParam.class);
        if (named != null) {
            return Stream.of(named.name().isEmpty() ? parameter.getParameter().getName() : named.name());
        }
        return parameter.getParameterType().isRecord() && !parameter.hasParameterAnnotation(RequestBody.class)
                ? Arrays.stream(parameter.getParameterType().getRecordComponents())
                        .map(RecordComponent::getName)
                : Stream.empty();
    }
}
