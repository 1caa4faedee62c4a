package dev.saf.jetstream;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.security.KeyManagementException;
import java.security.SecureRandom;
import java.util.function.Supplier;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * TLS that verifies the server's host name. The NATS client only checks that somebody trusted has signed the
 * certificate, whoever's it is. It takes an {@link SSLContext} and nothing finer, hence this one, whose sockets all
 * have the check turned on.
 */
final class VerifyingTls extends SSLContext {

    /** Around a context that is fetched anew for every connection, so that renewed certificates count. */
    VerifyingTls(Supplier<SSLContext> contexts) {
        this(contexts, contexts.get());
    }

    private VerifyingTls(Supplier<SSLContext> contexts, SSLContext first) {
        super(new Spi(contexts), first.getProvider(), first.getProtocol());
    }

    private static final class Spi extends SSLContextSpi {

        private final Supplier<SSLContext> contexts;

        Spi(Supplier<SSLContext> contexts) {
            this.contexts = contexts;
        }

        @Override
        protected SSLSocketFactory engineGetSocketFactory() {
            return new SocketFactory(contexts.get().getSocketFactory());
        }

        @Override
        protected void engineInit(
                KeyManager @Nullable [] keys, TrustManager @Nullable [] trust, @Nullable SecureRandom random)
                throws KeyManagementException {
            throw new KeyManagementException("is initialised already");
        }

        @Override
        protected SSLServerSocketFactory engineGetServerSocketFactory() {
            throw new UnsupportedOperationException("for clients only");
        }

        @Override
        protected SSLEngine engineCreateSSLEngine() {
            throw new UnsupportedOperationException("for sockets only");
        }

        @Override
        protected SSLEngine engineCreateSSLEngine(String host, int port) {
            throw new UnsupportedOperationException("for sockets only");
        }

        @Override
        protected SSLSessionContext engineGetServerSessionContext() {
            return contexts.get().getServerSessionContext();
        }

        @Override
        protected SSLSessionContext engineGetClientSessionContext() {
            return contexts.get().getClientSessionContext();
        }
    }

    private static final class SocketFactory extends SSLSocketFactory {

        private final SSLSocketFactory sockets;

        SocketFactory(SSLSocketFactory sockets) {
            this.sockets = sockets;
        }

        @Override
        public Socket createSocket(Socket socket, String host, int port, boolean autoClose) throws IOException {
            return verifying(sockets.createSocket(socket, host, port, autoClose));
        }

        @Override
        public Socket createSocket(String host, int port) throws IOException {
            return verifying(sockets.createSocket(host, port));
        }

        @Override
        public Socket createSocket(String host, int port, InetAddress local, int localPort) throws IOException {
            return verifying(sockets.createSocket(host, port, local, localPort));
        }

        @Override
        public Socket createSocket(InetAddress host, int port) throws IOException {
            return verifying(sockets.createSocket(host, port));
        }

        @Override
        public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) throws IOException {
            return verifying(sockets.createSocket(host, port, local, localPort));
        }

        @Override
        public String[] getDefaultCipherSuites() {
            return sockets.getDefaultCipherSuites();
        }

        @Override
        public String[] getSupportedCipherSuites() {
            return sockets.getSupportedCipherSuites();
        }

        private static Socket verifying(Socket socket) {
            SSLSocket secure = (SSLSocket) socket;
            SSLParameters parameters = secure.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            secure.setSSLParameters(parameters);
            return secure;
        }
    }
}
