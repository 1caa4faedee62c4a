package dev.saf.event;

import org.jspecify.annotations.Nullable;

/**
 * Where an event stands in a trace (W3C Trace Context).
 *
 * @param traceparent as the header of that name
 * @param tracestate as the header of that name, null if there is none
 */
public record TraceContext(String traceparent, @Nullable String tracestate) {}
