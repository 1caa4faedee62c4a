/** How events travel: connection, streams and their contract, headers, trace propagation. */
@NullMarked
package dev.saf.jetstream;

import org.jspecify.annotations.NullMarked;
