package dev.saf.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What every channel keeps to whose destination can be out of reach. */
public interface RemoteChannelContract extends ChannelContract {

    /** A new channel to a destination that is not there. Opening it must not fail. */
    Channel gone() throws Exception;

    /** A new channel to a destination that takes an event and never says so. */
    Channel silent() throws Exception;

    /** The values of traceparent that the working destination has been given so far. */
    List<String> traceparents();

    @Test
    default void failsToDeliverWhereNobodyIs() throws Exception {
        try (Channel channel = gone()) {
            assertThatThrownBy(() -> channel.deliver(ChannelContract.event("lost")))
                    .isInstanceOf(Exception.class)
                    .isNotInstanceOf(RejectedEventException.class)
                    .hasMessageMatching("(?s).+");
        }
    }

    @Test
    default void saysInACheckThatNobodyIsThere() throws Exception {
        try (Channel channel = gone()) {
            assertThatThrownBy(channel::check).isInstanceOf(IOException.class).hasMessageMatching("(?s).+");
        }
    }

    @Test
    default void givesUpWhenInterrupted() throws Exception {
        try (Channel channel = silent()) {
            AtomicReference<@Nullable Throwable> ended = new AtomicReference<>();
            Thread delivery = Thread.ofVirtual().start(() -> {
                try {
                    channel.deliver(ChannelContract.event("stuck"));
                } catch (Exception e) {
                    ended.set(e);
                }
            });
            await().until(() ->
                    delivery.getState() == Thread.State.WAITING || delivery.getState() == Thread.State.TIMED_WAITING);
            delivery.interrupt();
            assertThat(delivery.join(Duration.ofSeconds(5))).isTrue();
            assertThat(ended.get()).isNotNull().isNotInstanceOf(RejectedEventException.class);
        }
    }

    @Test
    default void passesTheTraceOn() throws Exception {
        try (Channel channel = working()) {
            channel.deliver(ChannelContract.event("traced"));
            await().untilAsserted(() -> assertThat(traceparents()).containsExactly(TRACE.traceparent()));
        }
    }
}
