@NullMarked
package dev.saf.natsserver;

import org.jspecify.annotations.NullMarked;
