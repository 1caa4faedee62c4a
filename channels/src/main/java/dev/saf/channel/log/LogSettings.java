package dev.saf.channel.log;

import dev.saf.channel.Setting;
import org.jspecify.annotations.Nullable;

/**
 * How events are logged.
 *
 * @param payload whether to log the beginning of text payloads; payloads may hold what must not be in a log, so switch
 *     it off where that matters. Default: true
 */
public record LogSettings(
        @Setting(
                value = "Whether to log the beginning of text payloads, which may hold what must not be in a log",
                byDefault = "true")
        @Nullable
        Boolean payload) {

    /** Shows payloads unless told otherwise. */
    public LogSettings {
        payload = payload == null ? Boolean.TRUE : payload;
    }
}
