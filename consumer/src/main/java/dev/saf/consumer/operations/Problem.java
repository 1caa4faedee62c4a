package dev.saf.consumer.operations;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The body of every answer that is an error, as RFC 9457 has it.
 *
 * @param title alike for all problems of the type
 * @param detail this one, for a person to act on
 * @param errors what is wrong with the request, all of it; left out if that is nothing
 */
record Problem(
        String type,
        String title,
        int status,
        String detail,
        @JsonInclude(JsonInclude.Include.NON_EMPTY) List<Violation> errors) {

    static final String CONTENT_TYPE = "application/problem+json";

    /** The types of problems. */
    enum Kind {
        INVALID_REQUEST(400, "invalid-request", "The request is not as it must be"),
        NOT_FOUND(404, "not-found", "There is nothing here"),
        METHOD(405, "method", "The method is not allowed"),
        CONFLICT(409, "conflict", "That cannot be done now"),
        MEDIA_TYPE(415, "media-type", "The media type is not supported"),
        INTERNAL(500, "internal", "Something unforeseen went wrong"),
        UNAVAILABLE(503, "unavailable", "NATS cannot be asked");

        final int status;
        final String tag;
        final String title;

        Kind(int status, String tag, String title) {
            this.status = status;
            this.tag = tag;
            this.title = title;
        }
    }

    static Problem of(Kind kind, String detail) {
        return new Problem("urn:saf:problem:" + kind.tag, kind.title, kind.status, detail, List.of());
    }

    /** A request that is wrong in these ways. */
    static Problem invalid(List<Violation> violations) {
        String detail = violations.stream().map(Violation::text).collect(Collectors.joining("; "));
        return new Problem(
                "urn:saf:problem:" + Kind.INVALID_REQUEST.tag,
                Kind.INVALID_REQUEST.title,
                Kind.INVALID_REQUEST.status,
                detail,
                violations);
    }
}
