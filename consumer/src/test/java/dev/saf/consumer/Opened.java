package dev.saf.consumer;

import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** What a test has opened: servers, connections, services. Closed after it, the last first. */
public final class Opened implements AfterEachCallback {

    private final Deque<AutoCloseable> all = new ArrayDeque<>();

    /** Is closed after the test; may be closed before. */
    public <T extends AutoCloseable> T add(T opened) {
        all.push(opened);
        return opened;
    }

    @Override
    public void afterEach(ExtensionContext context) throws Exception {
        while (!all.isEmpty()) {
            all.pop().close();
        }
    }
}
