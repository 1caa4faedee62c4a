package dev.saf.producer;

/**
 * Something wrong with a request.
 *
 * @param field the path of the field, empty for the body as a whole
 * @param detail what is wrong and what is allowed, to be read after the field's name; never repeats the value
 */
record Violation(String field, String detail) {}
