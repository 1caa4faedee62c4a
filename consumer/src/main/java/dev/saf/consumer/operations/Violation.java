package dev.saf.consumer.operations;

/**
 * Something wrong with a request.
 *
 * @param field the name of the parameter or the path of the field, empty for the request as a whole
 * @param detail what is wrong and what is allowed, to be read after the field's name; never repeats the value
 */
record Violation(String field, String detail) {

    /** As one part of a sentence. */
    String text() {
        return field.isEmpty() ? "the body " + detail : field + " " + detail;
    }
}
