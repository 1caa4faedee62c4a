package dev.saf.consumer.operations;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Who may operate the channels over HTTP.
 *
 * @param address where the API listens: an address of this machine, or 0.0.0.0 for all. Nobody has to show who they
 *     are, so only this machine is let in unless that is asked for
 */
public record ApiSettings(@DefaultValue("127.0.0.1") String address) {

    /**
     * Checks the value.
     *
     * @throws IllegalArgumentException as {@code key: what is wrong and what is allowed}
     */
    public ApiSettings {
        if (find(address) == null) {
            throw new IllegalArgumentException("address: '" + address
                    + "' is not known; must be an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all");
        }
    }

    InetAddress inetAddress() {
        return Objects.requireNonNull(find(address));
    }

    /** Null if there is none of this name. An empty name would be the loopback address. */
    static @Nullable InetAddress find(String address) {
        try {
            return address.isBlank() ? null : InetAddress.getByName(address);
        } catch (UnknownHostException e) {
            return null;
        }
    }
}
