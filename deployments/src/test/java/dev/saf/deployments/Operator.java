package dev.saf.deployments;

import io.nats.client.NKey;
import io.nats.client.support.JwtUtils;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;

/**
 * An operator of NATS, made for one test, who has signed a system account and an account with one user.
 *
 * @param jwt of the operator
 * @param systemAccount its public key
 * @param preload both accounts, in the language of nats-server
 * @param credentials of the user, as in a {@code .creds} file
 */
public record Operator(String jwt, String systemAccount, String preload, String credentials) {

    private static final SecureRandom RANDOM = new SecureRandom();

    /** Makes one. */
    public static Operator make() throws GeneralSecurityException, IOException {
        NKey operator = NKey.createOperator(RANDOM);
        NKey system = NKey.createAccount(RANDOM);
        NKey account = NKey.createAccount(RANDOM);
        NKey user = NKey.createUser(RANDOM);
        return new Operator(
                issue(operator, operator, "{\"type\":\"operator\",\"version\":2}"),
                name(system),
                "{ %s: %s, %s: %s }"
                        .formatted(
                                name(system),
                                issue(operator, system, account("0")),
                                name(account),
                                issue(operator, account, account("-1"))),
                JwtUtils.NATS_USER_JWT_FORMAT.formatted(
                        JwtUtils.issueUserJWT(account, name(account), name(user)), new String(user.getSeed())));
    }

    private static String issue(NKey by, NKey subject, String claims) throws GeneralSecurityException, IOException {
        return JwtUtils.issueJWT(
                by, name(subject), "test", null, JwtUtils.currentTimeSeconds(), name(by), () -> claims);
    }

    private static String account(String storage) {
        return """
            {"type":"account","version":2,"limits":{"subs":-1,"data":-1,"payload":-1,"imports":-1,"exports":-1,\
            "wildcards":true,"conn":-1,"leaf":-1,"mem_storage":%s,"disk_storage":%s,"streams":%s,"consumer":%s}}\
            """.formatted(storage, storage, storage, storage);
    }

    private static String name(NKey key) throws GeneralSecurityException, IOException {
        return new String(key.getPublicKey());
    }

    /** Lines of a server that trusts it. */
    public String configuration() {
        return "operator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: %s\n"
                .formatted(jwt, systemAccount, preload);
    }
}
