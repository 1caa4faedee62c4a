package dev.saf.channel.log;

import dev.saf.channel.Channel;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.event.TraceContext;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.spi.LoggingEventBuilder;

/** Writes one line per event: readable as text, and with a field for each part in structured logs. */
final class LogChannel implements Channel {

    private static final int MAX_PAYLOAD_CHARACTERS = 500;

    private final Logger log;
    private final boolean showPayload;

    LogChannel(Logger log, boolean showPayload) {
        this.log = log;
        this.showPayload = showPayload;
    }

    @Override
    public void deliver(Event event) {
        if (!log.isInfoEnabled()) {
            return;
        }
        Payload payload = event.payload();
        String text = showPayload && isText(payload.contentType()) ? ": " + beginning(payload.bytes()) : "";
        TraceContext trace = event.trace();
        LoggingEventBuilder line = log.atInfo()
                .addKeyValue("event.id", event.id())
                .addKeyValue("event.subject", event.subject())
                .addKeyValue("event.source", event.source())
                .addKeyValue("event.type", event.type())
                .addKeyValue("event.size", payload.bytes().length);
        if (trace != null) {
            line = line.addKeyValue("event.traceparent", trace.traceparent());
        }
        line.log(
                "{} {} from {}, {} bytes of {}{}",
                event.subject(),
                printable(event.id()),
                printable(event.source()),
                payload.bytes().length,
                payload.contentType() == null ? "no type" : payload.contentType(),
                text);
    }

    private static boolean isText(@Nullable String contentType) {
        if (contentType == null) {
            return false;
        }
        int semicolon = contentType.indexOf(';');
        String type = (semicolon < 0 ? contentType : contentType.substring(0, semicolon))
                .strip()
                .toLowerCase(Locale.ROOT);
        return type.startsWith("text/") || type.equals("application/json") || type.endsWith("+json");
    }

    /** Decodes no more than is shown, however large the payload. */
    private static String beginning(byte[] bytes) {
        int end = Math.min(bytes.length, MAX_PAYLOAD_CHARACTERS);
        // Not in the middle of a character: step back over what continues one.
        while (end < bytes.length && end > 0 && (bytes[end] & 0xc0) == 0x80) {
            end--;
        }
        String text = printable(new String(bytes, 0, end, StandardCharsets.UTF_8));
        return end < bytes.length ? text + "…" : text;
    }

    /**
     * Escapes what could end the line, steer a terminal, or turn the order of reading round: control and format
     * characters, separators of lines, and half surrogates.
     */
    static String printable(String text) {
        StringBuilder printable = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            switch (Character.getType(c)) {
                case Character.CONTROL,
                        Character.FORMAT,
                        Character.LINE_SEPARATOR,
                        Character.PARAGRAPH_SEPARATOR,
                        Character.SURROGATE -> printable.append(String.format("\\u%04x", c));
                default -> printable.appendCodePoint(c);
            }
        });
        return printable.toString();
    }
}
