/** The servers are the real ones, and do what they are told. */
@NullMarked
package dev.saf.peers;

import org.jspecify.annotations.NullMarked;
