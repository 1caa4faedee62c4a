package dev.saf.settings;

/** A setting that stops the start. The message names the property, says what is wrong with it, and what is allowed. */
public final class InvalidSettingException extends RuntimeException {

    private final String property;

    /**
     * @param property the full name, such as {@code saf.nats.servers}, or the environment variable it came from
     * @param problem what is wrong and what is allowed, to be read after the name and a colon
     */
    public InvalidSettingException(String property, String problem) {
        super(property + ": " + problem);
        this.property = property;
    }

    public String property() {
        return property;
    }
}
