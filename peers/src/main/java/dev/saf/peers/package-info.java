/** The tools that tests run and the servers that they talk to, as child processes: for tests only. */
@NullMarked
package dev.saf.peers;

import org.jspecify.annotations.NullMarked;
