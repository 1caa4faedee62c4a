package dev.saf.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.event.TraceContext;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * What every channel keeps to. A channel's test implements this interface (or {@link RemoteChannelContract}, if the
 * destination can be out of reach), and adds what is special about the channel.
 */
public interface ChannelContract {

    /** The trace that the events of these tests carry. */
    TraceContext TRACE = new TraceContext("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", null);

    /** The channel's type, as in configuration. */
    String type();

    /** A new channel whose destination is there and takes everything. */
    Channel working() throws Exception;

    /** The ids of the events that destination has been given so far, once per delivery, in any order. */
    List<String> delivered();

    /** Ways to open the channel that must be refused, because they can never work. */
    List<Supplier<Channel>> refused();

    /** An event for these tests. */
    static Event event(String id) {
        return Event.of(
                        "orders.placed",
                        id,
                        "shop",
                        Instant.parse("2026-01-02T03:04:05.006Z"),
                        Payload.of("{\"order\":1}".getBytes(StandardCharsets.UTF_8), "application/json"))
                .withTrace(TRACE);
    }

    @Test
    default void isFoundByItsType() {
        List<String> types = new ArrayList<>();
        for (ChannelFactory<?> factory : ServiceLoader.load(ChannelFactory.class)) {
            types.add(factory.type());
        }
        assertThat(types).containsOnlyOnce(type());
    }

    @Test
    default void describesItselfAndItsSettings() {
        ChannelType described = ChannelType.all().stream()
                .filter(each -> each.name().equals(type()))
                .findFirst()
                .orElseThrow();
        assertThat(described.description()).matches("[A-Z].*[^.]");
        assertThat(described.settings())
                .allSatisfy(setting -> assertThat(setting.description()).matches("[A-Z].*[^.]"));
    }

    @Test
    default void delivers() throws Exception {
        try (Channel channel = working()) {
            channel.deliver(event("first"));
            await().untilAsserted(() -> assertThat(delivered()).containsExactly("first"));
        }
    }

    @Test
    default void deliversAgain() throws Exception {
        try (Channel channel = working()) {
            channel.deliver(event("same"));
            channel.deliver(event("same"));
            await().untilAsserted(() -> assertThat(delivered()).containsExactly("same", "same"));
        }
    }

    @Test
    default void deliversConcurrently() throws Exception {
        List<String> ids = IntStream.range(0, 200).mapToObj(i -> "event-" + i).toList();
        try (Channel channel = working();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> deliveries = new ArrayList<>();
            for (String id : ids) {
                deliveries.add(threads.submit(() -> {
                    channel.deliver(event(id));
                    return id;
                }));
            }
            for (Future<?> delivery : deliveries) {
                delivery.get();
            }
            await().untilAsserted(() -> assertThat(delivered()).containsExactlyInAnyOrderElementsOf(ids));
        }
    }

    @Test
    default void deliversAnEventWithNothingButItsMust() throws Exception {
        try (Channel channel = working()) {
            channel.deliver(new Event("a", "bare", Event.DEFAULT_SOURCE, "a", null, Payload.NONE, Map.of(), null));
            await().untilAsserted(() -> assertThat(delivered()).containsExactly("bare"));
        }
    }

    @Test
    default void isCheckedWithoutAnEvent() throws Exception {
        try (Channel channel = working()) {
            channel.check();
            channel.deliver(event("first"));
            await().untilAsserted(() -> assertThat(delivered()).containsExactly("first"));
        }
    }

    @Test
    default void closesTwiceWithoutHarm() throws Exception {
        Channel channel = working();
        channel.deliver(event("first"));
        channel.close();
        assertThatCode(channel::close).doesNotThrowAnyException();
    }

    @Test
    default void refusesBadSettingsByName() {
        assertThat(refused()).isNotNull();
        for (Supplier<Channel> open : refused()) {
            assertThatThrownBy(open::get)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageMatching("(?s)[a-z0-9.-]+: .+");
        }
    }
}
