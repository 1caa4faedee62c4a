package dev.saf.channel.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import dev.saf.channel.Channel;
import dev.saf.channel.ChannelContract;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class LogChannelTest implements ChannelContract {

    private final List<ILoggingEvent> lines = new CopyOnWriteArrayList<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger("dev.saf.channel.log.audit");
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent line) {
            lines.add(line);
        }
    };

    @BeforeEach
    void listen() {
        appender.start();
        logger.addAppender(appender);
        logger.setAdditive(false);
    }

    @AfterEach
    void stopListening() {
        logger.detachAppender(appender);
    }

    @Override
    public String type() {
        return "log";
    }

    @Override
    public Channel working() {
        return open(new LogSettings(null));
    }

    @Override
    public List<String> delivered() {
        return lines.stream()
                .flatMap(line -> line.getKeyValuePairs().stream())
                .filter(pair -> pair.key.equals("event.id"))
                .map(pair -> String.valueOf(pair.value))
                .toList();
    }

    @Override
    public List<Supplier<Channel>> refused() {
        return List.of();
    }

    @Test
    void writesOneReadableLine() throws Exception {
        working().deliver(ChannelContract.event("1"));
        assertThat(text()).containsExactly("orders.placed 1 from shop, 11 bytes of application/json: {\"order\":1}");
        assertThat(lines.getFirst().getLevel()).isEqualTo(Level.INFO);
    }

    @Test
    void writesAFieldForEachPart() throws Exception {
        working().deliver(ChannelContract.event("1"));
        assertThat(lines.getFirst().getKeyValuePairs())
                .extracting(pair -> pair.key, pair -> pair.value)
                .containsExactly(
                        tuple("event.id", "1"),
                        tuple("event.subject", "orders.placed"),
                        tuple("event.source", "shop"),
                        tuple("event.type", "orders.placed"),
                        tuple("event.size", 11),
                        tuple("event.traceparent", TRACE.traceparent()));
    }

    @Test
    void escapesWhatCouldForgeALine() throws Exception {
        working().deliver(event("text/plain", "one\ntwo\u001b[2J\u202Ethree\u2028"));
        assertThat(text().getFirst()).endsWith(": one\\u000atwo\\u001b[2J\\u202ethree\\u2028");
    }

    @Test
    void cutsALongPayloadBetweenCharacters() throws Exception {
        working().deliver(event("text/plain", "a" + "é".repeat(1000)));
        assertThat(text().getFirst()).endsWith(": a" + "é".repeat(249) + "…");
    }

    @Test
    void doesNotShowWhatIsNoText() throws Exception {
        working().deliver(event("application/octet-stream", "bytes"));
        assertThat(text().getFirst()).endsWith(" 5 bytes of application/octet-stream");
    }

    @Test
    void doesNotShowPayloadsWhenToldSo() throws Exception {
        open(new LogSettings(false)).deliver(ChannelContract.event("1"));
        assertThat(text()).containsExactly("orders.placed 1 from shop, 11 bytes of application/json");
    }

    private List<String> text() {
        return lines.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    private static Event event(String contentType, String text) {
        Event event = ChannelContract.event("1");
        return new Event(
                event.subject(),
                event.id(),
                event.source(),
                event.type(),
                event.time(),
                Payload.of(text.getBytes(StandardCharsets.UTF_8), contentType),
                event.attributes(),
                null);
    }

    private static Channel open(LogSettings settings) {
        return new LogChannelFactory().open("audit", settings, bundle -> {
            throw new IllegalArgumentException("no bundle " + bundle);
        });
    }
}
