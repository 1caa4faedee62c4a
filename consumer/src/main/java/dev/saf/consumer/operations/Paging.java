package dev.saf.consumer.operations;

import io.swagger.v3.oas.annotations.Parameter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * Which part of a list is asked for.
 *
 * @param cursor from the answer before, null for the beginning
 * @param limit the most items
 */
record Paging(
        @Parameter(description = "The value of next in the answer before; nothing for the beginning") @Nullable
        String cursor,

        @Parameter(description = "The most items, 1 to 500; 50 if left out") @Nullable
        Integer limit) {

    private static final int DEFAULT = 50;
    private static final int MOST = 500;

    /**
     * The most items.
     *
     * @throws RefusedException if the limit is out of bounds
     */
    int size() {
        int size = limit == null ? DEFAULT : limit;
        if (size < 1 || size > MOST) {
            throw RefusedException.invalid("limit", "must be between 1 and " + MOST);
        }
        return size;
    }

    /**
     * The sequence to begin with.
     *
     * @param filter all that selects what is in the list, as text
     * @throws RefusedException if the cursor is none, or one of a list with another filter
     */
    long from(Object filter) {
        if (cursor == null) {
            return 1;
        }
        long sequence = 0;
        try {
            ByteBuffer bytes = ByteBuffer.wrap(Base64.getUrlDecoder().decode(cursor));
            if (bytes.remaining() == 2 * Long.BYTES) {
                sequence = bytes.getLong();
                if (bytes.getLong() != hash(filter)) {
                    throw RefusedException.invalid(
                            "cursor", "belongs to a list with other filters; repeat those, or begin without a cursor");
                }
            }
        } catch (IllegalArgumentException e) {
            sequence = 0;
        }
        if (sequence < 1) {
            throw RefusedException.invalid("cursor", "must be the value of next in an answer, or left out");
        }
        return sequence;
    }

    /** The cursor with which a list goes on at a sequence. */
    static String cursor(long next, Object filter) {
        return Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(ByteBuffer.allocate(2 * Long.BYTES)
                        .putLong(next)
                        .putLong(hash(filter))
                        .array());
    }

    private static long hash(Object filter) {
        try {
            return ByteBuffer.wrap(MessageDigest.getInstance("SHA-256")
                            .digest(filter.toString().getBytes(StandardCharsets.UTF_8)))
                    .getLong();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
