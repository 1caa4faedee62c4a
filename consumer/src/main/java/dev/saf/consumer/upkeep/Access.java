package dev.saf.consumer.upkeep;

import dev.saf.jetstream.NatsConnection;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamManagement;
import io.nats.client.JetStreamOptions;
import io.nats.client.api.ConsumerInfo;
import io.nats.client.api.StreamInfo;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Asks about streams and their consumers. Nothing here waits for longer than two seconds for an answer. */
record Access(NatsConnection nats) {

    private static final JetStreamOptions OPTIONS =
            JetStreamOptions.builder().requestTimeout(Duration.ofSeconds(2)).build();
    private static final int CONSUMER_NOT_FOUND = 10014;
    private static final int STREAM_NOT_FOUND = 10059;

    Connection connection() throws IOException {
        Connection connection = nats.current();
        if (connection == null) {
            throw new IOException("not connected to NATS");
        }
        return connection;
    }

    JetStreamManagement management() throws IOException {
        return connection().jetStreamManagement(OPTIONS);
    }

    StreamInfo stream(String name) throws IOException, JetStreamApiException {
        return management().getStreamInfo(name);
    }

    /** Null if there is no such consumer, or no such stream. */
    @Nullable
    ConsumerInfo consumer(String stream, String name) throws IOException, JetStreamApiException {
        try {
            return management().getConsumerInfo(stream, name);
        } catch (JetStreamApiException e) {
            if (e.getApiErrorCode() == CONSUMER_NOT_FOUND || e.getApiErrorCode() == STREAM_NOT_FOUND) {
                return null;
            }
            throw e;
        }
    }

    /** What a consumer gets, as subjects that may have wildcards. */
    static List<String> filters(ConsumerInfo consumer) {
        List<String> filters = consumer.getConsumerConfiguration().getFilterSubjects();
        return filters == null || filters.isEmpty() ? List.of(">") : filters;
    }
}
