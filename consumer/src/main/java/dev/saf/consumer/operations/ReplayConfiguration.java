package dev.saf.consumer.operations;

import dev.saf.consumer.delivery.ReplayDurables;
import dev.saf.consumer.delivery.RunningChannels;
import dev.saf.consumer.ledger.SharedState;
import dev.saf.consumer.ledger.StoredMessages;
import dev.saf.consumer.ledger.StreamReader;
import dev.saf.jetstream.NatsConnection;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** What replays are made of. */
@Configuration(proxyBeanMethods = false)
@Import(ReplaysApi.class)
class ReplayConfiguration {

    @Bean
    Replays replays(RunningChannels channels, NatsConnection nats, SharedState state) {
        return new Replays(channels, new ReplayDurables(nats), new StoredMessages(nats), new StreamReader(nats), state);
    }
}
