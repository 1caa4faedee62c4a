@NullMarked
package dev.saf.benchmark;

import org.jspecify.annotations.NullMarked;
