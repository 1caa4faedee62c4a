package dev.saf.consumer.ledger;

import io.nats.client.PublishOptions;
import io.nats.client.impl.Headers;

/**
 * A message to be stored, all but its body.
 *
 * @param stream on which it is to be
 * @param messageId by which the stream knows it again
 */
public record Publication(String stream, String subject, Headers headers, String messageId) {

    PublishOptions options() {
        return PublishOptions.builder()
                .expectedStream(stream)
                .messageId(messageId)
                .build();
    }
}
