package dev.saf.jetstream;

import java.util.List;

/** What is known of a stream. After an interruption, what was known before stands until the next look. */
public sealed interface StreamState {

    /**
     * Nobody has been able to look yet.
     *
     * @param reason a sentence
     */
    record Unknown(String reason) implements StreamState {}

    /**
     * There is no such stream, and it could not be created.
     *
     * @param reason a sentence
     */
    record Missing(String reason) implements StreamState {}

    /**
     * The stream keeps every promise.
     *
     * @param differences sentences on attributes that are not as configured
     */
    record Sound(List<String> differences) implements StreamState {}

    /**
     * The stream breaks a promise, and must not be used.
     *
     * @param reasons sentences, one for each attribute
     */
    record Unsafe(List<String> reasons) implements StreamState {}
}
