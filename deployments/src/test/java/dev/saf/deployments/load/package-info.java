/** Runs the load tests, shortly, on the services as they are. */
@NullMarked
package dev.saf.deployments.load;

import org.jspecify.annotations.NullMarked;
