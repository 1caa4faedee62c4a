/** A real nats-server as a child process, found or fetched: for tests and laptops. */
@NullMarked
package dev.saf.natsserver;

import org.jspecify.annotations.NullMarked;
