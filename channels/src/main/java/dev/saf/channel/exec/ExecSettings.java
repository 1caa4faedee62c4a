package dev.saf.channel.exec;

import dev.saf.channel.Setting;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which command is run for each event.
 *
 * @param allow must be true: whoever may set the command may run anything as the user of this service. Required
 * @param command the program and its arguments, one by one; no shell looks at them. Required
 * @param rejectedCodes the exit codes that mean that this event can never be taken. Default: 65, which is EX_DATAERR
 * @param environment variables for the command, beside those with the event and a few of this service (PATH, HOME,
 *     LANG, LC_ALL, TZ, TMPDIR). Default: none
 * @param directory the folder the command runs in. Default: that of this service
 */
public record ExecSettings(
        @Setting(
                value = "Must be true to say that running programs is meant: whoever may set the command may run"
                        + " anything as the user of this service",
                required = true)
        @Nullable
        Boolean allow,

        @Setting(value = "The program and its arguments, one by one; no shell looks at them", required = true) @Nullable
        List<String> command,

        @Setting(value = "The exit codes that mean that this event can never be taken", byDefault = "65") @Nullable
        List<Integer> rejectedCodes,

        @Setting(
                value = "Variables for the command, beside those with the event and PATH, HOME, LANG, LC_ALL, TZ,"
                        + " TMPDIR of this service",
                secret = true)
        @Nullable
        Map<String, String> environment,

        @Setting("The folder the command runs in") @Nullable String directory) {

    /** Refuses what cannot be run. */
    public ExecSettings {
        if (!Boolean.TRUE.equals(allow)) {
            throw new IllegalArgumentException(
                    "allow: must be true for a channel that runs programs, to say that this is meant");
        }
        if (command == null || command.isEmpty() || command.getFirst().isBlank()) {
            throw new IllegalArgumentException(
                    "command: is missing; it is a program and its arguments, such as [/usr/local/bin/notify, --once]");
        }
        command = List.copyOf(command);
        rejectedCodes = rejectedCodes == null ? List.of(65) : List.copyOf(rejectedCodes);
        if (!rejectedCodes.stream().allMatch(code -> code >= 1 && code <= 255)) {
            throw new IllegalArgumentException(
                    "rejected-codes: must be exit codes between 1 and 255, are " + rejectedCodes);
        }
        environment = environment == null ? Map.of() : Map.copyOf(environment);
    }

    /** Without the variables' values, which may be secrets. */
    @Override
    public String toString() {
        return "ExecSettings[command=" + command + ", rejectedCodes=" + rejectedCodes + ", directory=" + directory
                + "]";
    }
}
