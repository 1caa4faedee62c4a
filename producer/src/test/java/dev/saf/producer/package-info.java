/** Accepts events over HTTP and stores them on the stream. */
@NullMarked
package dev.saf.producer;

import org.jspecify.annotations.NullMarked;
