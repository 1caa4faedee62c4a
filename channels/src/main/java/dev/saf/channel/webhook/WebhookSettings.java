package dev.saf.channel.webhook;

import dev.saf.channel.Setting;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Where and how events are posted.
 *
 * @param url where to post; http or https. Required
 * @param connectTimeout how long to try to reach the destination, at most a minute. Default: 5s
 * @param sslBundle the name of an SSL bundle ({@code spring.ssl.bundle}) with the certificates to trust and to show;
 *     for https only. Default: what the Java platform trusts
 */
public record WebhookSettings(
        @Setting(value = "Where to post, by http or https", required = true, secret = true) @Nullable
        String url,

        @Setting(value = "How long to try to reach the destination, at most 1m", byDefault = "5s") @Nullable
        Duration connectTimeout,

        @Setting("The SSL bundle with the certificates to trust and to show, for https") @Nullable
        String sslBundle) {

    /** Refuses what can never be posted to. */
    public WebhookSettings {
        URI parsed = parse(url);
        connectTimeout = connectTimeout == null ? Duration.ofSeconds(5) : connectTimeout;
        if (connectTimeout.compareTo(Duration.ofMillis(1)) < 0 || connectTimeout.compareTo(Duration.ofMinutes(1)) > 0) {
            throw new IllegalArgumentException("connect-timeout: must be between 1ms and 1m");
        }
        if (sslBundle != null && !"https".equals(scheme(parsed))) {
            throw new IllegalArgumentException("ssl-bundle: is only for a url that begins with https://");
        }
    }

    URI target() {
        return parse(url);
    }

    /** No message repeats the URL: it may hold secrets. */
    private static URI parse(@Nullable String url) {
        if (url == null || url.isBlank()) {
            throw new IllegalArgumentException(
                    "url: is missing; it says where to post events, such as https://example.org/events");
        }
        URI parsed;
        try {
            parsed = new URI(url.strip());
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("url: is no URL: " + e.getReason() + " at position " + e.getIndex(), e);
        }
        if (!"http".equals(scheme(parsed)) && !"https".equals(scheme(parsed))) {
            throw new IllegalArgumentException("url: must begin with http:// or https://");
        }
        if (parsed.getRawUserInfo() != null) {
            throw new IllegalArgumentException("url: must not have a user name or password, they would not be sent");
        }
        if (parsed.getHost() == null) {
            throw new IllegalArgumentException("url: must name a host, such as https://example.org/events");
        }
        if (parsed.getPort() == 0 || parsed.getPort() > 65535) {
            throw new IllegalArgumentException("url: must have a port between 1 and 65535, or none");
        }
        if (parsed.getRawFragment() != null) {
            throw new IllegalArgumentException("url: must not have a fragment (#), it would not be sent");
        }
        return parsed;
    }

    private static String scheme(URI url) {
        return url.getScheme() == null ? "" : url.getScheme().toLowerCase(Locale.ROOT);
    }
}
