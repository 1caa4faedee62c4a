package dev.saf.jetstream;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyStore;
import java.util.Base64;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.ssl.DefaultSslBundleRegistry;
import org.springframework.boot.ssl.SslBundle;
import org.springframework.boot.ssl.SslBundles;
import org.springframework.boot.ssl.pem.PemSslStoreBundle;
import org.springframework.boot.ssl.pem.PemSslStoreDetails;

/** A self-signed certificate for one host name, made by the JDK's keytool. */
record Certificate(Path certificate, Path key) {

    private static final String PASSWORD = "changeit";

    static Certificate of(Path folder, String host) throws Exception {
        Path store = folder.resolve(host + ".p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-keystore",
                        store.toString(),
                        "-storepass",
                        PASSWORD,
                        "-alias",
                        "it",
                        "-keyalg",
                        "EC",
                        "-groupname",
                        "secp256r1",
                        "-dname",
                        "CN=" + host,
                        "-ext",
                        "SAN=dns:" + host,
                        "-validity",
                        "2")
                .redirectErrorStream(true)
                .start();
        String output = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (keytool.waitFor() != 0) {
            throw new IOException(output);
        }
        return new Certificate(
                Files.writeString(folder.resolve(host + ".crt"), certificate(store)),
                Files.writeString(folder.resolve(host + ".key"), key(store)));
    }

    /** The lines of nats-server's configuration, to be put into {@code tls {…}}. */
    String lines() {
        return "cert_file: \"%s\", key_file: \"%s\"".formatted(certificate, key);
    }

    /** One bundle, called {@code nats}, that trusts this certificate and shows another. */
    SslBundles trusting(@Nullable Certificate own) throws IOException {
        PemSslStoreDetails keys = own == null
                ? null
                : PemSslStoreDetails.forCertificate(Files.readString(own.certificate))
                        .withPrivateKey(Files.readString(own.key));
        return new DefaultSslBundleRegistry(
                "nats",
                SslBundle.of(
                        new PemSslStoreBundle(keys, PemSslStoreDetails.forCertificate(Files.readString(certificate)))));
    }

    private static String certificate(Path store) throws GeneralSecurityException, IOException {
        return pem("CERTIFICATE", open(store).getCertificate("it").getEncoded());
    }

    private static String key(Path store) throws GeneralSecurityException, IOException {
        Key key = open(store).getKey("it", PASSWORD.toCharArray());
        return pem("PRIVATE KEY", key.getEncoded());
    }

    private static KeyStore open(Path store) throws GeneralSecurityException, IOException {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream bytes = Files.newInputStream(store)) {
            keys.load(bytes, PASSWORD.toCharArray());
        }
        return keys;
    }

    private static String pem(String type, byte[] content) {
        return "-----BEGIN %s-----%n%s%n-----END %s-----%n"
                .formatted(type, Base64.getMimeEncoder().encodeToString(content), type);
    }
}
