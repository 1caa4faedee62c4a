package dev.saf.consumer.operations;

import dev.saf.consumer.operations.Problem.Kind;
import java.io.IOException;
import java.util.List;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * Answers what goes wrong before anybody has looked at the request, such as a malformed one, with a problem instead of
 * a page of HTML.
 *
 * <p>Public because Tomcat makes an instance by name.
 */
public final class ProblemReportValve extends ErrorReportValve {

    private static final JsonMapper JSON = JsonMapper.shared();

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
            byte[] body = JSON.writeValueAsBytes(problem(status));
            response.setContentType(Problem.CONTENT_TYPE);
            response.setContentLength(body.length);
            response.getOutputStream().write(body);
            response.finishResponse();
        } catch (IOException e) {
            container.getLogger().debug("the client is gone before its answer", e);
        }
    }

    private static Problem problem(int status) {
        Kind kind = status == 404
                ? Kind.NOT_FOUND
                : status < 500 || status == 501 || status == 505 ? Kind.INVALID_REQUEST : Kind.INTERNAL;
        String detail = switch (kind) {
            case NOT_FOUND -> "GET " + OperationsConfiguration.DOCUMENT + " tells what there is.";
            case INVALID_REQUEST -> "It is not valid HTTP, or asks for what is not served here.";
            default -> "The log of the service tells more.";
        };
        return new Problem("urn:saf:problem:" + kind.tag, kind.title, status, detail, List.of());
    }
}
