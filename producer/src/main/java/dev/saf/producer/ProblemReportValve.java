package dev.saf.producer;

import java.io.IOException;
import java.util.List;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;
import org.jspecify.annotations.Nullable;

/**
 * Answers what goes wrong outside of any servlet, such as a malformed request, with a problem instead of a page of
 * HTML.
 */
public final class ProblemReportValve extends ErrorReportValve {

    @Override
    protected void report(Request request, Response response, @Nullable Throwable throwable) {
        int status = response.getStatus();
        if (status < 400 || response.getContentWritten() > 0 || !response.setErrorReported()) {
            return;
        }
        if (throwable != null && status >= 500) {
            container.getLogger().error("unforeseen failure", throwable);
        }
        try {
            byte[] body = problem(status).toJson(null);
            response.setContentType(Problem.CONTENT_TYPE);
            if (status == 503) {
                response.setIntHeader("Retry-After", 1);
            }
            response.setContentLength(body.length);
            response.getOutputStream().write(body);
            response.finishResponse();
        } catch (IOException e) {
            container.getLogger().debug("the client is gone before its answer", e);
        }
    }

    private static Problem problem(int status) {
        return switch (status) {
            case 404 ->
                Problem.refusal(
                        404, "not-found", "There is nothing here", "Events go to POST " + EventServlet.PATH + ".");
            case 414 ->
                Problem.refusal(414, "bad-request", "The address is too long", "Shorten the request's address.");
            case 417 ->
                Problem.refusal(
                        417, "bad-request", "The expectation cannot be met", "Expect nothing but 100-continue.");
            case 431 ->
                Problem.refusal(431, "bad-request", "The headers are too large", "Send fewer or shorter headers.");
            case 503 ->
                Problem.refusal(503, "shutting-down", "The event is not stored", "The service is stopping; try again.");
            default ->
                status < 500 || status == 501 || status == 505
                        ? Problem.refusal(
                                status,
                                "bad-request",
                                "The request is malformed",
                                "It is not valid HTTP, or asks for what is not served here.")
                        : new Problem(
                                status,
                                "internal",
                                "Something unforeseen went wrong",
                                "Send the event again under the same id; the log of the service tells more.",
                                List.of(),
                                PublishResult.Outcome.UNKNOWN,
                                0);
        };
    }
}
