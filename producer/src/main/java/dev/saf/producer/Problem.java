package dev.saf.producer;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.io.JsonStringEncoder;

/**
 * A refusal: the body of an error answer as RFC 9457 has it, with the violations and the outcome as members of our own.
 *
 * @param status the HTTP status
 * @param kind the last part of the problem type's URN, {@code urn:saf:problem:<kind>}; also the tag of the metric
 * @param title alike for all problems of the kind
 * @param detail this one, for a person to act on
 * @param errors the violations, all of them
 * @param outcome what became of the event
 * @param retryAfter seconds after which trying again makes sense, 0 if it does not
 */
record Problem(
        int status,
        String kind,
        String title,
        String detail,
        List<Violation> errors,
        PublishResult.Outcome outcome,
        int retryAfter) {

    static final String CONTENT_TYPE = "application/problem+json";

    static Problem refusal(int status, String kind, String title, String detail) {
        return new Problem(status, kind, title, detail, List.of(), PublishResult.Outcome.NOT_STORED, 0);
    }

    static Problem invalid(List<Violation> violations) {
        String fields = violations.stream()
                .map(violation -> violation.field().isEmpty()
                        ? "the body " + violation.detail()
                        : violation.field() + " " + violation.detail())
                .reduce((one, other) -> one + "; " + other)
                .orElse("");
        return new Problem(
                400,
                "invalid-event",
                "The request does not describe an event",
                fields,
                violations,
                PublishResult.Outcome.NOT_STORED,
                0);
    }

    static Problem tooLarge(long limit) {
        return refusal(413, "too-large", "The event is too large", "The body may have at most " + limit + " bytes.");
    }

    byte[] toJson(@Nullable String id) {
        StringBuilder json = new StringBuilder(256)
                .append("{\"type\":\"urn:saf:problem:")
                .append(kind)
                .append("\",\"title\":");
        quote(json, title).append(",\"status\":").append(status).append(",\"detail\":");
        quote(json, detail);
        if (!errors.isEmpty()) {
            json.append(",\"errors\":[");
            for (Violation violation : errors) {
                quote(json.append("{\"field\":"), violation.field());
                quote(json.append(",\"detail\":"), violation.detail()).append("},");
            }
            json.setCharAt(json.length() - 1, ']');
        }
        json.append(",\"outcome\":\"")
                .append(outcome == PublishResult.Outcome.UNKNOWN ? "unknown" : "not_stored")
                .append('"');
        if (id != null) {
            quote(json.append(",\"id\":"), id);
        }
        return json.append('}').toString().getBytes(StandardCharsets.UTF_8);
    }

    static StringBuilder quote(StringBuilder json, String text) {
        json.append('"');
        JsonStringEncoder.getInstance().quoteAsString(text, json);
        return json.append('"');
    }
}
