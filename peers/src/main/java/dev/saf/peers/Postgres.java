package dev.saf.peers;

import java.util.ArrayList;
import java.util.List;

/** PostgreSQL. */
public final class Postgres {

    /** The superuser, who also has the one database there is, {@code postgres}. */
    public static final String USER = "postgres";

    /** The password of {@link #USER}. */
    public static final String PASSWORD = "postgres-secret";

    private Postgres() {}

    /**
     * Starts one that asks for passwords.
     *
     * @param settings of postgresql.conf, such as {@code max_connections=10}
     */
    public static Peer start(String... settings) {
        Peer.Builder postgres = Peer.builder("postgres").ready("database system is ready to accept connections");
        List<String> words =
                new ArrayList<>(List.of("-D", postgres.folder().resolve("data").toString()));
        words.addAll(List.of("-p", String.valueOf(postgres.port()), "-c", "listen_addresses=127.0.0.1"));
        words.addAll(List.of("-c", "unix_socket_directories="));
        for (String setting : settings) {
            words.addAll(List.of("-c", setting));
        }
        return postgres.environment("POSTGRES_PASSWORD", PASSWORD).start(words.toArray(String[]::new));
    }

    /** The URL for JDBC of the database {@code postgres}. */
    public static String jdbcUrl(Peer postgres) {
        return "jdbc:postgresql://127.0.0.1:" + postgres.port() + "/postgres";
    }
}
