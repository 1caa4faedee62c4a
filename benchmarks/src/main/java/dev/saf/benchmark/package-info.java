/** Ratios, measured side by side in one run. */
@NullMarked
package dev.saf.benchmark;

import org.jspecify.annotations.NullMarked;
