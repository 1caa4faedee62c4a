package dev.saf.event;

/** Something that is no event, because of one of its attributes. */
public final class InvalidEventException extends RuntimeException {

    private final String attribute;
    private final String problem;

    /**
     * @param attribute the attribute at fault, such as {@code subject}
     * @param problem what is wrong and what is allowed, to be read after the attribute's name; never the value itself
     */
    public InvalidEventException(String attribute, String problem) {
        super(attribute + " " + problem);
        this.attribute = attribute;
        this.problem = problem;
    }

    public String attribute() {
        return attribute;
    }

    /** What is wrong and what is allowed, to be read after the attribute's name. */
    public String problem() {
        return problem;
    }
}
