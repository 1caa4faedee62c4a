/** Tests of the consumer, alone and against a real nats-server. */
@NullMarked
package dev.saf.consumer;

import org.jspecify.annotations.NullMarked;
