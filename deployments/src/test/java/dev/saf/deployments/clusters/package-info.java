/** Runs the configurations of nats-server and the walk-throughs with them. */
@NullMarked
package dev.saf.deployments.clusters;

import org.jspecify.annotations.NullMarked;
