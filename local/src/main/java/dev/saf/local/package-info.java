/** Everything in one command: nats-server, producer, consumer. */
@NullMarked
package dev.saf.local;

import org.jspecify.annotations.NullMarked;
