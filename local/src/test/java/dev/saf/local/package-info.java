@NullMarked
package dev.saf.local;

import org.jspecify.annotations.NullMarked;
