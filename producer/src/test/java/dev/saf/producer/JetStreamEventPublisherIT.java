package dev.saf.producer;

import dev.saf.natsserver.NatsServer;

class JetStreamEventPublisherIT implements PublisherContract {

    @Override
    public Running start(NatsServer nats) {
        RunningProducer producer = RunningProducer.with(
                nats,
                "saf.producer.max-in-flight=" + MAX_IN_FLIGHT,
                "saf.producer.publish-budget=2s",
                "saf.producer.attempt-timeout=500ms");
        return new Running() {
            @Override
            public EventPublisher publisher() {
                return producer.publisher();
            }

            @Override
            public void close() {
                producer.close();
            }
        };
    }
}
