package dev.saf.consumer.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.channel.Channel;
import dev.saf.channel.RejectedEventException;
import dev.saf.channel.RetryAfterException;
import dev.saf.consumer.Nats;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class DispatcherTest {

    @Test
    void tellsWhatBecameOfAnEvent() {
        assertThat(offer(event -> {})).isEqualTo(new Outcome.Taken());
        assertThat(offer(event -> {
                    throw new RejectedEventException("unknown customer");
                }))
                .isEqualTo(new Outcome.Rejected("unknown customer"));
        assertThat(offer(event -> {
                    throw new IOException("refused");
                }))
                .isEqualTo(Outcome.Failed.ofDestination("IOException: refused"));
    }

    @Test
    void passesOnWhenTheDestinationWantsToBeAskedAgain() {
        assertThat(offer(event -> {
                    throw new RetryAfterException(Duration.ofMinutes(2), "busy");
                }))
                .isEqualTo(new Outcome.Failed("RetryAfterException: busy", true, Duration.ofMinutes(2)));
    }

    @Test
    void takesErrorsForFailures() {
        assertThat(offer(event -> {
                    throw new StackOverflowError();
                }))
                .isEqualTo(Outcome.Failed.ofEvent("StackOverflowError"));
    }

    @Test
    void saysErrorsInOneLineOfBoundedLength() {
        assertThat(offer(event -> {
                    throw new IOException("one\r\n\ttwo" + "x".repeat(10_000));
                }))
                .isInstanceOfSatisfying(
                        Outcome.Failed.class,
                        failed -> assertThat(failed.error())
                                .startsWith("IOException: one twoxxx")
                                .hasSize(501));
    }

    @Test
    void outlivesErrorsThatCannotEvenBeDescribed() {
        assertThat(offer(event -> {
                    throw new Unspeakable();
                }))
                .isEqualTo(Outcome.Failed.ofEvent("Unspeakable: and its message fails with StackOverflowError"));
    }

    private static final class Unspeakable extends LinkageError {

        private static final long serialVersionUID = 1;

        @Override
        public String getMessage() {
            throw new StackOverflowError();
        }
    }

    private static Outcome offer(Channel channel) {
        return new Dispatcher(channel, Duration.ZERO).offer(Nats.event("a", "1"));
    }
}
