package dev.saf.peers;

import java.util.ArrayList;
import java.util.List;

/** Redis. */
public final class Redis {

    private Redis() {}

    /**
     * Starts one that has written to disk what it has confirmed.
     *
     * @param options further ones of redis-server, such as {@code --requirepass secret}, each word for itself
     */
    public static Peer start(String... options) {
        Peer.Builder redis = Peer.builder("redis-server").ready("Ready to accept connections");
        List<String> words = new ArrayList<>(List.of("--bind", "127.0.0.1", "--port", String.valueOf(redis.port())));
        words.addAll(List.of("--dir", redis.folder().toString(), "--save", ""));
        words.addAll(List.of("--appendonly", "yes", "--appendfsync", "always"));
        words.addAll(List.of(options));
        return redis.start(words.toArray(String[]::new));
    }
}
