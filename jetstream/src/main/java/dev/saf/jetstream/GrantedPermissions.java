package dev.saf.jetstream;

import io.nats.client.support.JsonParseException;
import io.nats.client.support.JsonParser;
import io.nats.client.support.JsonValue;
import io.nats.client.support.JsonValueUtils;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the server lets a user do, as it says itself.
 *
 * @param user for people; empty if nobody has logged in
 */
record GrantedPermissions(String user, Rules publish, Rules subscribe) {

    /** Where the server answers what it is about. */
    static final String SUBJECT = "$SYS.REQ.USER.INFO";

    /**
     * Subjects, which may have wildcards, and a queue group after a space. What is denied counts more than what is
     * allowed.
     *
     * @param allow all there are if it is empty
     */
    record Rules(List<String> allow, List<String> deny) {

        /** Whether all of a subject that may have wildcards is allowed. */
        boolean include(String needed) {
            return (allow.isEmpty() || allow.stream().anyMatch(each -> covers(each, needed)))
                    && deny.stream().noneMatch(each -> touches(each, needed));
        }

        private static Rules read(@Nullable JsonValue permissions, String kind) {
            JsonValue rules = permissions == null ? null : JsonValueUtils.readValue(permissions, kind);
            return rules == null
                    ? new Rules(List.of(), List.of())
                    : new Rules(
                            JsonValueUtils.readStringList(rules, "allow"),
                            JsonValueUtils.readStringList(rules, "deny"));
        }
    }

    /** Reads the server's answer. */
    static GrantedPermissions read(byte[] answer) throws JsonParseException {
        JsonValue data = JsonValueUtils.readValue(JsonParser.parse(answer), "data");
        if (data == null) {
            throw new JsonParseException("no data in the answer");
        }
        JsonValue permissions = JsonValueUtils.readValue(data, "permissions");
        String user = JsonValueUtils.readString(data, "user", "");
        return new GrantedPermissions(user, Rules.read(permissions, "publish"), Rules.read(permissions, "subscribe"));
    }

    /** Whether every subject of the second is one of the first, and in a queue group the first lets it be in. */
    static boolean covers(String wide, String narrow) {
        String[] one = wide.split(" ", 2);
        String[] other = narrow.split(" ", 2);
        if (one.length > 1 && (other.length == 1 || !coversTokens(tokens(one[1]), tokens(other[1])))) {
            return false;
        }
        return coversTokens(tokens(one[0]), tokens(other[0]));
    }

    private static boolean coversTokens(String[] wide, String[] narrow) {
        for (int i = 0; i < wide.length; i++) {
            if (i == narrow.length) {
                return false;
            }
            if (wide[i].equals(">")) {
                return true;
            }
            if (!wide[i].equals(narrow[i]) && (!wide[i].equals("*") || narrow[i].equals(">"))) {
                return false;
            }
        }
        return wide.length == narrow.length;
    }

    /** Whether the two have subjects in common. */
    static boolean touches(String denied, String needed) {
        String[] one = denied.split(" ", 2);
        String[] other = needed.split(" ", 2);
        if (one.length > 1 && (other.length == 1 || !touchTokens(tokens(one[1]), tokens(other[1])))) {
            return false;
        }
        return touchTokens(tokens(one[0]), tokens(other[0]));
    }

    private static boolean touchTokens(String[] one, String[] other) {
        for (int i = 0; i < Math.max(one.length, other.length); i++) {
            if (i == one.length || i == other.length) {
                return false;
            }
            if (one[i].equals(">") || other[i].equals(">")) {
                return true;
            }
            if (!one[i].equals(other[i]) && !one[i].equals("*") && !other[i].equals("*")) {
                return false;
            }
        }
        return true;
    }

    private static String[] tokens(String subject) {
        return subject.split("\\.", -1);
    }
}
