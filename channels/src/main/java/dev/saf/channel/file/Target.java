package dev.saf.channel.file;

import dev.saf.channel.RejectedEventException;
import dev.saf.channel.Template;
import dev.saf.event.Event;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Which file an event belongs to: never one outside of the folder that the configured path begins with. */
final class Target {

    private static final int LONGEST_NAME = 255;

    private final Template template;
    private final Path root;

    Target(String path) {
        this.template = Template.of("path", path);
        int braces = path.indexOf("{{");
        String fixed = braces < 0 ? path : path.substring(0, braces);
        try {
            var _ = absolute(fixed);
            this.root = absolute(fixed.substring(0, fixed.lastIndexOf('/') + 1));
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException("path: is no path: " + e.getReason(), e);
        }
    }

    /** The folder that all files are in, or below. */
    Path root() {
        return root;
    }

    Path of(Event event) throws RejectedEventException {
        Path path;
        try {
            path = absolute(template.fill(event));
        } catch (InvalidPathException e) {
            throw new RejectedEventException("the event makes no path of path: " + e.getReason());
        }
        if (!path.startsWith(root) || path.equals(root)) {
            throw new RejectedEventException("the event makes a path of path that is not below " + root);
        }
        for (Path part : path) {
            if (part.toString().getBytes(StandardCharsets.UTF_8).length > LONGEST_NAME) {
                throw new RejectedEventException(
                        "the event makes a path of path with a name of more than " + LONGEST_NAME + " bytes");
            }
        }
        return path;
    }

    private static Path absolute(String path) {
        return Path.of(path).toAbsolutePath().normalize();
    }
}
