package dev.saf.peers;

/** Mosquitto, an MQTT broker. */
public final class Mosquitto {

    private Mosquitto() {}

    /**
     * Starts one that keeps what it is given, and lets everybody in unless told otherwise.
     *
     * @param configuration further lines of mosquitto.conf
     */
    public static Peer start(String... configuration) {
        Peer.Builder mosquitto = Peer.builder("mosquitto");
        String text = """
            user root
            log_dest stdout
            persistence true
            persistence_location %s/
            listener %d 127.0.0.1
            allow_anonymous true
            %s
            """.formatted(mosquitto.folder(), mosquitto.port(), String.join("\n", configuration));
        return mosquitto.start("-c", mosquitto.file("mosquitto.conf", text));
    }
}
