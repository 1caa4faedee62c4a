package dev.saf.producer;

import dev.saf.event.CloudEvents;
import dev.saf.event.TraceContext;
import dev.saf.jetstream.EventSpan;
import dev.saf.jetstream.EventTracing;
import dev.saf.producer.PublishResult.Failed;
import dev.saf.producer.PublishResult.IdReused;
import dev.saf.producer.PublishResult.Outcome;
import dev.saf.producer.PublishResult.Stored;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code POST /api/event}: one event in, a receipt or a problem out. The hot path: a servlet rather than a controller,
 * reading without blocking and answering from the acknowledgement's callback, so that a few threads serve any number of
 * clients.
 */
final class EventServlet extends HttpServlet {

    static final String PATH = "/api/event";

    private static final Logger LOG = LoggerFactory.getLogger(EventServlet.class);
    private static final int RETRY_AFTER_SECONDS = 1;
    private static final int FIRST_BUFFER = 4096;

    private final transient EventPublisher publisher;
    private final transient EventTracing tracing;
    private final transient ProducerMetrics metrics;
    private final transient InstantSource clock;
    private final transient Draining draining;
    private final int maxBody;
    private final long readTimeoutMillis;

    EventServlet(
            EventPublisher publisher,
            EventTracing tracing,
            ProducerMetrics metrics,
            InstantSource clock,
            Draining draining,
            ProducerSettings settings) {
        this.publisher = publisher;
        this.tracing = tracing;
        this.metrics = metrics;
        this.clock = clock;
        this.draining = draining;
        this.maxBody = Math.toIntExact(settings.maxBody().toBytes());
        this.readTimeoutMillis = settings.readTimeout().toMillis();
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Problem refusal = refusal(request, response);
        if (refusal != null) {
            refuse(response, refusal, null);
            return;
        }
        if (request.getMethod().equals("OPTIONS")) {
            response.setStatus(HttpServletResponse.SC_NO_CONTENT);
            return;
        }
        ServletInputStream in = request.getInputStream();
        long declared = request.getContentLengthLong();
        // Nearly all bodies came in one piece with the headers: then there is nothing to wait for. If at least one byte
        // is there, a read takes what has come, and does not wait for more.
        byte[] bytes = new byte[(int) Math.min(declared < 0 ? FIRST_BUFFER : declared, FIRST_BUFFER)];
        int length = declared > 0 && in.available() > 0 ? Math.max(0, in.read(bytes)) : 0;
        if (length == declared) {
            EventRequest.Read read = EventRequest.read(bytes, length, clock);
            if (read instanceof EventRequest.Read.Invalid invalid) {
                refuse(response, Problem.invalid(invalid.violations()), null);
            } else {
                AsyncContext async = request.startAsync(request, response);
                async.setTimeout(0);
                publish(new Answer(async, trace(request), response), (EventRequest.Read.Valid) read);
            }
        } else {
            AsyncContext async = request.startAsync(request, response);
            async.setTimeout(readTimeoutMillis);
            Answer answer = new Answer(async, trace(request), response);
            async.addListener(answer);
            in.setReadListener(new Body(in, answer, bytes, length));
        }
    }

    /** What the headers alone forbid, before any of the body is read. */
    private @Nullable Problem refusal(HttpServletRequest request, HttpServletResponse response) {
        // The container has decoded and normalised the path it matched; whoever guards /api/event sees the other one.
        if (!request.getRequestURI().equals(PATH)) {
            return Problem.refusal(404, "not-found", "There is nothing here", "Events go to POST " + PATH + ".");
        }
        String method = request.getMethod();
        if (!method.equals("POST")) {
            response.setHeader("Allow", "POST, OPTIONS");
            return method.equals("OPTIONS")
                    ? null
                    : Problem.refusal(405, "method", "The method is not allowed", "Send events with POST.");
        }
        if (request.getHeader("Host") == null) {
            return Problem.refusal(400, "bad-request", "The request is malformed", "The header Host is missing.");
        }
        if (!isJson(request.getContentType())) {
            return Problem.refusal(
                    415,
                    "media-type",
                    "The media type is not supported",
                    "Send the event as Content-Type: application/json, in UTF-8.");
        }
        String encoding = request.getHeader("Content-Encoding");
        if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
            return Problem.refusal(
                    415,
                    "media-type",
                    "The content encoding is not supported",
                    "Send the event without a Content-Encoding.");
        }
        if (request.getContentLengthLong() > maxBody) {
            return Problem.tooLarge(maxBody);
        }
        return null;
    }

    private static boolean isJson(@Nullable String contentType) {
        if (contentType == null) {
            return false;
        }
        if (contentType.equals("application/json")) {
            return true;
        }
        String type = contentType.toLowerCase(Locale.ROOT).replace(" ", "").replace("\"", "");
        return type.equals("application/json") || type.equals("application/json;charset=utf-8");
    }

    private void publish(Answer answer, EventRequest.Read.Valid valid) {
        long started = System.nanoTime();
        EventSpan span = tracing.startSending(answer.trace, valid.event());
        publisher.publish(span.event(), result -> {
            metrics.published(result, System.nanoTime() - started);
            if (result instanceof Failed failed) {
                span.fail(failed.reason().sentence());
            } else {
                span.end();
            }
            answer.with(result, valid.event().id(), valid.idGenerated());
        });
    }

    private static @Nullable TraceContext trace(HttpServletRequest request) {
        String parent = request.getHeader(CloudEvents.TRACEPARENT);
        return parent == null ? null : new TraceContext(parent, request.getHeader(CloudEvents.TRACESTATE));
    }

    private void refuse(HttpServletResponse response, Problem problem, @Nullable String id) throws IOException {
        metrics.refused(problem.kind());
        byte[] body = problem.toJson(id);
        response.setStatus(problem.status());
        response.setContentType(Problem.CONTENT_TYPE);
        if (problem.retryAfter() > 0) {
            response.setIntHeader("Retry-After", problem.retryAfter());
        }
        send(response, body);
    }

    private void send(HttpServletResponse response, byte[] body) throws IOException {
        if (draining.isDraining()) {
            response.setHeader("Connection", "close");
        }
        // With a length, this write goes to the client at once, and waits for one that does not read, perhaps on the
        // thread that hears all acknowledgements. Without, one of Tomcat's threads does both afterwards; that is too
        // late only where the connection is about to go.
        if (response.containsHeader("Connection")) {
            response.setContentLength(body.length);
        }
        response.getOutputStream().write(body);
    }

    private static byte[] receipt(Stored stored, String id, boolean duplicate) {
        StringBuilder json = new StringBuilder(128);
        Problem.quote(json.append("{\"id\":"), id);
        Problem.quote(json.append(",\"stream\":"), stored.stream());
        json.append(",\"sequence\":").append(stored.sequence());
        json.append(",\"duplicate\":").append(duplicate).append('}');
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static Problem problem(Failed failed) {
        boolean unknown = failed.outcome() == Outcome.UNKNOWN;
        return switch (failed.reason()) {
            case TOO_LARGE ->
                new Problem(
                        413,
                        "too-large",
                        "The event is too large",
                        "It is larger than the stream takes.",
                        List.of(),
                        failed.outcome(),
                        0);
            default ->
                new Problem(
                        503,
                        failed.reason().tag(),
                        unknown ? "The event may or may not be stored" : "The event is not stored",
                        "The event was not acknowledged: " + failed.reason().sentence()
                                + (unknown
                                        ? ". Send it again under the same id to make sure."
                                        : ". Send it again later."),
                        List.of(),
                        failed.outcome(),
                        RETRY_AFTER_SECONDS);
        };
    }

    private static final Problem ID_REUSED = new Problem(
            422,
            "id-reused",
            "The id belongs to another event",
            "There is an event with this id and service, but other content. Send this one under an id of its own.",
            java.util.List.of(new Violation("id", "belongs to an event with other content")),
            Outcome.NOT_STORED,
            0);

    /** The one answer to a request that is answered later, possibly raced for by a time-out. */
    private final class Answer implements AsyncListener {

        private final AsyncContext async;
        private final @Nullable TraceContext trace;
        private final HttpServletResponse response;
        private final AtomicBoolean given = new AtomicBoolean();

        Answer(AsyncContext async, @Nullable TraceContext trace, HttpServletResponse response) {
            this.async = async;
            this.trace = trace;
            this.response = response;
        }

        void with(PublishResult result, String id, boolean idGenerated) {
            if (!given.compareAndSet(false, true)) {
                return;
            }
            try {
                switch (result) {
                    case Stored stored -> {
                        // A generated id is known to nobody else: it can only be our own retry that is there already.
                        byte[] body = receipt(stored, id, stored.duplicate() && !idGenerated);
                        response.setStatus(HttpServletResponse.SC_ACCEPTED);
                        response.setContentType("application/json");
                        send(response, body);
                    }
                    case IdReused() -> refuse(response, ID_REUSED, id);
                    case Failed failed -> refuse(response, problem(failed), id);
                }
            } catch (IOException | RuntimeException e) {
                LOG.debug("the client is gone before its answer", e);
            }
            complete();
        }

        void with(Problem problem) {
            if (!given.compareAndSet(false, true)) {
                return;
            }
            try {
                refuse(response, problem, null);
            } catch (IOException | RuntimeException e) {
                LOG.debug("the client is gone before its answer", e);
            }
            complete();
        }

        /** Refuses without reading the rest of the body, which may be endless. */
        void andHangUp(Problem problem) {
            response.setHeader("Connection", "close");
            with(problem);
        }

        private void complete() {
            try {
                async.complete();
            } catch (RuntimeException e) {
                LOG.debug("the request is over already", e);
            }
        }

        @Override
        public void onTimeout(AsyncEvent event) {
            andHangUp(Problem.refusal(
                    408,
                    "timeout",
                    "The request took too long",
                    "The body must arrive within " + readTimeoutMillis + " ms."));
        }

        @Override
        public void onError(AsyncEvent event) {
            given.set(true);
        }

        @Override
        public void onComplete(AsyncEvent event) {
            given.set(true);
        }

        @Override
        public void onStartAsync(AsyncEvent event) {}
    }

    /** A body that comes in pieces. */
    private final class Body implements ReadListener {

        private final ServletInputStream in;
        private final Answer answer;
        private byte[] bytes;
        private int length;

        /** With what has been read already. */
        Body(ServletInputStream in, Answer answer, byte[] bytes, int length) {
            this.in = in;
            this.answer = answer;
            this.bytes = bytes;
            this.length = length;
        }

        @Override
        public void onDataAvailable() throws IOException {
            while (in.isReady() && !in.isFinished()) {
                if (length == bytes.length) {
                    bytes = Arrays.copyOf(bytes, (int) Math.min(bytes.length * 2L, maxBody + 1L));
                }
                int read = in.read(bytes, length, bytes.length - length);
                if (read < 0) {
                    return;
                }
                length += read;
                if (length > maxBody) {
                    answer.andHangUp(Problem.tooLarge(maxBody));
                    return;
                }
            }
        }

        @Override
        public void onAllDataRead() {
            EventRequest.Read read = EventRequest.read(bytes, length, clock);
            switch (read) {
                case EventRequest.Read.Invalid invalid -> answer.with(Problem.invalid(invalid.violations()));
                case EventRequest.Read.Valid valid -> {
                    answer.async.setTimeout(0);
                    publish(answer, valid);
                }
            }
        }

        @Override
        public void onError(Throwable cause) {
            LOG.debug("the request broke off", cause);
            answer.andHangUp(Problem.refusal(
                    400, "bad-request", "The request broke off", "The body is not as long as its header says."));
        }
    }
}
