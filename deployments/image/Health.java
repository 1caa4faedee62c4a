import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * The health check of the image, which has no shell: ends with 0 if the service is ready, with 1 if it is not. It asks
 * at {@code MANAGEMENT_SERVER_PORT}, or else at the first of the given ports that answers.
 */
public class Health {

    private static final int PATIENCE = 3_000;

    public static void main(String[] ports) {
        String own = System.getenv("MANAGEMENT_SERVER_PORT");
        String said = "nothing listens";
        for (String port : own == null ? ports : new String[] {own}) {
            try {
                said = ask(Integer.parseInt(port));
                break;
            } catch (IOException e) {
                // It may be the other one.
                said = e.toString();
            }
        }
        System.out.println(said);
        System.exit(said.contains(" 200") ? 0 : 1);
    }

    /** The first line of the answer. By hand, because the HTTP client takes longer to load than to ask. */
    private static String ask(int port) throws IOException {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), PATIENCE);
            socket.setSoTimeout(PATIENCE);
            socket.getOutputStream()
                    .write("GET /actuator/health/readiness HTTP/1.0\r\nHost: localhost\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            InputStream answer = socket.getInputStream();
            StringBuilder line = new StringBuilder();
            for (int next = answer.read(); next >= ' '; next = answer.read()) {
                line.append((char) next);
            }
            return line.toString();
        }
    }
}
