/** Holds the Helm charts to what Helm, a real API server of Kubernetes, and the services themselves make of them. */
@NullMarked
package dev.saf.deployments.charts;

import org.jspecify.annotations.NullMarked;
