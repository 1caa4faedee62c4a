/** Runs what people deploy Saf with, by the tools they use themselves. */
@NullMarked
package dev.saf.deployments;

import org.jspecify.annotations.NullMarked;
